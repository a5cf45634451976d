"""Open an original safely: decoded, upright, and without metadata."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import ExifTags, Image

from services.compressor.compress_error import CompressError
from services.compressor.opening.picture import Animation, Format, Frame, JpegSource, Picture
from services.compressor.opening.png_chunks import colour_chunks
from services.compressor.opening.sniff import describe, supported_format
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import MetadataPolicy

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


def open_picture(original: bytes, max_pixels: int, metadata: MetadataPolicy = "strip") -> Picture:
    """Decode an original, with that metadata which is to be kept.

    Raises CompressError if it is no picture of a format we take, too large, or broken.
    """
    with _guarded(max_pixels):
        image = _identify(original, max_pixels)
        try:
            image.load()
        except MemoryError:
            raise
        except Exception as error:
            # A decoder fed with hostile bytes raises whatever it stumbles over, not only OSError.
            raise CompressError(ErrorCode.DECODE_ERROR, f"{image.format} does not decode: {error}") from error
        return _picture(image, original)


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


def _picture(image: Image.Image, original: bytes) -> Picture:
    format_ = _FORMATS[image.format]
    info = image.info
    upright = _upright(image)
    upright.info = {key: info[key] for key in ("transparency",) if key in info}
    return Picture(
        image=upright,
        format=format_,
        animation=_animation(image) if format_ != "jpeg" else None,
        icc_profile=info.get("icc_profile") or None,
        jpeg=_jpeg_source(image) if format_ == "jpeg" else None,
        colour_chunks=tuple(colour_chunks(original)) if format_ == "png" else (),
    )


def _jpeg_source(image: Image.Image) -> JpegSource | None:
    table = getattr(image, "quantization", {}).get(0)
    layer = getattr(image, "layer", None)
    if not table or not layer:
        return None
    return JpegSource(
        quantiser=sum(table) / len(table),
        subsampling=(layer[0][1], layer[0][2]) if len(layer) == 3 else (1, 1),
        progressive=bool(image.info.get("progressive")),
    )


def _animation(image: Image.Image) -> Animation | None:
    count = getattr(image, "n_frames", 1)
    if count == 1:
        return None

    def frames() -> Iterator[Frame]:
        for index in range(count):
            image.seek(index)
            yield Frame(image.convert("RGBA"), round(image.info.get("duration", 100)))

    return Animation(frames, count, image.info.get("loop", 1))


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return image  # broken EXIF turns nothing, and is no reason to refuse the picture
    method = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if method is None else image.transpose(method)
