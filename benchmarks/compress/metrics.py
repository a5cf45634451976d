"""How much a result looks like its original.

SSIM sees light alone: structure in luma, at full resolution. SSIMULACRA2 sees colour too (it compares in the opponent
colours XYB, at six scales, and was fitted to what people saw): 100 is the same, 70 hard to tell from the original,
50 medium, below 30 plainly worse. It takes 0.7 s for a megapixel, so that of a large picture only the middle is judged.
"""

import importlib
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps
from skimage.metrics import structural_similarity

_MIDDLE = 512


@dataclass(frozen=True, slots=True)
class Likeness:
    ssim: float
    ssimulacra2: float


def likeness(original: Image.Image, result: Image.Image) -> Likeness:
    """Of two upright RGB pictures; a result that was scaled down is shown at the original's size."""
    if result.size != original.size:
        result = result.resize(original.size, Image.Resampling.LANCZOS)
    return Likeness(ssim(original, result), _ssimulacra2(middle(original), middle(result)))


def shown(data: bytes) -> Image.Image:
    """As a viewer on white shows it: upright, in RGB; of an animation the first frame."""
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    picture = upright.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def ssim(original: Image.Image, result: Image.Image) -> float:
    """Of luma, with the Gaussian window of Wang et al. 2004."""
    pixels = [np.asarray(picture.convert("L"), np.float32) for picture in (original, result)]
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(*pixels, data_range=255, **window))  # type: ignore[no-untyped-call]


def middle(picture: Image.Image) -> Image.Image:
    """At most 512 x 512 pixels; its edges lie on those of JPEG's blocks, subsampled ones too."""
    left, top = (max(0, side - _MIDDLE) // 2 // 16 * 16 for side in picture.size)
    return picture.crop((left, top, min(picture.width, left + _MIDDLE), min(picture.height, top + _MIDDLE)))


def _ssimulacra2(original: Image.Image, result: Image.Image) -> float:
    compute = importlib.import_module("ssimulacra2").compute_ssimulacra2  # `make bench-compress` installs it
    return float(compute(_file(original), _file(result)))


def _file(picture: Image.Image) -> io.BytesIO:
    """The package wants a file."""
    out = io.BytesIO()
    picture.save(out, "BMP")
    return out
