"""Similarity of a result and its original.

SSIM compares the structure of luma at full resolution. SSIMULACRA2 also compares colour (in the opponent colour space
XYB, at six scales) and was fitted to people's ratings: 100 is equal, 70 hard to distinguish, 50 medium, below 30
clearly worse. It takes 0.7 s per megapixel, so only the middle of a large picture is compared.
"""

import importlib
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps
from skimage.metrics import structural_similarity

_MIDDLE = 512


@dataclass(frozen=True, slots=True)
class Similarity:
    ssim: float
    ssimulacra2: float


def similarity(original: Image.Image, result: Image.Image) -> Similarity:
    """Of two upright RGB pictures. A scaled-down result is enlarged to the original's size."""
    if result.size != original.size:
        result = result.resize(original.size, Image.Resampling.LANCZOS)
    return Similarity(ssim(original, result), _ssimulacra2(middle(original), middle(result)))


def shown(data: bytes) -> Image.Image:
    """As displayed on white: upright, in RGB; the first frame of an animation."""
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
    """At most 512 x 512 pixels, aligned with JPEG blocks, subsampled ones included."""
    left, top = (max(0, side - _MIDDLE) // 2 // 16 * 16 for side in picture.size)
    return picture.crop((left, top, min(picture.width, left + _MIDDLE), min(picture.height, top + _MIDDLE)))


def _ssimulacra2(original: Image.Image, result: Image.Image) -> float:
    compute = importlib.import_module("ssimulacra2").compute_ssimulacra2  # `make bench-compress` installs it
    return float(compute(_file(original), _file(result)))


def _file(picture: Image.Image) -> io.BytesIO:
    """The package expects a file."""
    out = io.BytesIO()
    picture.save(out, "BMP")
    return out
