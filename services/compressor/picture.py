"""Open an original safely: decoded, upright, and without metadata."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from PIL import ExifTags, Image

from services.compressor.compress_error import CompressError
from services.compressor.sniff import describe, supported_format
from shared.contracts.error_codes import ErrorCode

Format = Literal["jpeg", "png", "webp"]

# A camera's MPO is a JPEG with further pictures behind the first, and Pillow's JPEG plugin opens it as such.
_FORMATS: dict[str | None, Format] = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png", "WEBP": "webp"}

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded original.

    image: upright; of its metadata only what its pixels need, that is a palette's or colour key's transparency.
    animated: it has further frames, which `image` does not hold.
    progressive: a progressive JPEG.
    quantiser: mean step of a JPEG's luminance table: the larger, the coarser it was encoded. None if not a JPEG.
    """

    image: Image.Image
    format: Format
    icc_profile: bytes | None
    animated: bool
    progressive: bool
    quantiser: float | None


def open_picture(original: bytes, max_pixels: int) -> Picture:
    """Decode an original. Raises CompressError if it is no JPEG, PNG or WebP, too large, or broken."""
    with _guarded(max_pixels):
        image = _identify(original, max_pixels)
        try:
            image.load()
        except MemoryError:
            raise
        except Exception as error:
            # A decoder fed with hostile bytes raises whatever it stumbles over, not only OSError.
            raise CompressError(ErrorCode.DECODE_ERROR, f"{image.format} does not decode: {error}") from error
        return _picture(image)


@contextmanager
def _guarded(max_pixels: int) -> Iterator[None]:
    """Let Pillow refuse more pixels before it allocates any. It takes the limit from a module variable."""
    usual = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = usual


def _identify(original: bytes, max_pixels: int) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(original), formats=("JPEG", "PNG", "WEBP"))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise CompressError(ErrorCode.TOO_MANY_PIXELS, f"more than {max_pixels} pixels") from error
    except MemoryError:
        raise
    except Exception as error:
        if name := supported_format(original):
            raise CompressError(ErrorCode.DECODE_ERROR, f"{name} with a broken header") from error
        raise CompressError(ErrorCode.UNSUPPORTED_FORMAT, f"the file is {describe(original)}") from error
    if image.width * image.height > max_pixels:
        raise CompressError(ErrorCode.TOO_MANY_PIXELS, f"{image.width} x {image.height}, more than {max_pixels} pixels")
    return image


def _picture(image: Image.Image) -> Picture:
    format_ = _FORMATS[image.format]
    tables = getattr(image, "quantization", None)
    info = image.info
    upright = _upright(image)
    upright.info = {key: info[key] for key in ("transparency",) if key in info}
    return Picture(
        image=upright,
        format=format_,
        icc_profile=info.get("icc_profile") or None,
        animated=format_ != "jpeg" and getattr(image, "n_frames", 1) > 1,
        progressive=bool(info.get("progressive")),
        quantiser=sum(tables[0]) / len(tables[0]) if tables and tables.get(0) else None,
    )


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return image  # broken EXIF turns nothing, and is no reason to refuse the picture
    method = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if method is None else image.transpose(method)
