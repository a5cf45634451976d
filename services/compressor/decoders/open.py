"""Open an original safely: decoded as a whole, upright, in colours and with metadata that may travel."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from services.compressor.compress_error import CompressError
from services.compressor.decoders.cicp import avif_cicp_profile
from services.compressor.decoders.colour_profile import cmyk_or_lab_to_srgb, is_grey, travelling
from services.compressor.decoders.decode import Decoded, decode
from services.compressor.decoders.jpeg_source import jpeg_source
from services.compressor.decoders.metadata import kept
from services.compressor.decoders.picture import Format, Picture
from services.compressor.decoders.pixel_modes import to_basic_mode
from services.compressor.decoders.png_chunks import colour_chunks
from services.compressor.decoders.png_colours import allowed, outranked, profile_of
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import MetadataPolicy
from shared.file_types import AVIF, BMP, GIF, JPEG, PNG, TIFF, WEBP, FileType, file_type

_FORMATS: dict[FileType, Format] = {
    JPEG: "jpeg",
    PNG: "png",
    WEBP: "webp",
    GIF: "gif",
    AVIF: "avif",
    TIFF: "tiff",
    BMP: "bmp",
}
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBX", "RGBA", "I;16"})
_ANIMATED_PICTURES = 4
_LOST_TAGS = "Truncated File Read|Corrupt EXIF data|Possibly corrupt"  # of a TIFF: its colours may depend on them


def open_picture(original: bytes, max_pixels: int, metadata: MetadataPolicy = "strip") -> Picture:
    """Decode an original, with that metadata which is to be kept.

    Its format is what the content says. Of several pages in a TIFF, or pictures in a camera's MPO, the first is meant.
    `max_pixels` holds for width times height, before memory is taken for them; an animation may have four times as many
    in all its frames, since they are decoded one at a time.
    Raises CompressError if it is no picture of a format we open, too large, or not whole.
    """
    with _guarded(max_pixels):
        kind, image = _identify(original, max_pixels)
        try:
            decoded = decode(image, _FORMATS[kind], original, partial(_limit, max_pixels))
        except (CompressError, MemoryError):
            raise
        except Exception as error:
            # A decoder fed with hostile bytes raises whatever it stumbles over, not only OSError.
            raise CompressError(ErrorCode.DECODE_ERROR, f"{kind.name} does not decode: {error}") from error
        return _picture(image, _FORMATS[kind], decoded, original, metadata)


def _picture(
    image: ImageFile.ImageFile, format_: Format, decoded: Decoded, original: bytes, metadata: MetadataPolicy
) -> Picture:
    source = jpeg_source(image, original) if isinstance(image, JpegImageFile) else None
    exif, xmp = kept(image, metadata)
    shown, profile = _shown(decoded.image, image.info.get("icc_profile"))
    grey = is_grey(shown)
    chunks: dict[bytes, bytes] = {}
    if format_ == "png":
        chunks, profile = dict(colour_chunks(original)), allowed(profile, grey=grey)
    return Picture(
        image=shown,
        format=format_,
        animation=decoded.animation,
        icc_profile=_meant(format_, original, chunks, profile, grey=grey),
        exif=exif,
        xmp=xmp,
        jpeg=source,
        colour_chunks=tuple(outranked(chunks, profile).items()),
    )


@contextmanager
def _guarded(max_pixels: int) -> Iterator[None]:
    """Let Pillow refuse more pixels before it allocates any: it does at twice the limit in a module variable."""
    usual = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = (max_pixels + 1) // 2
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = usual


def _identify(original: bytes, max_pixels: int) -> tuple[FileType, ImageFile.ImageFile]:
    """The file's type, and the file with its header read."""
    kind = file_type(original)
    if kind not in _FORMATS:
        raise CompressError(ErrorCode.UNSUPPORTED_FORMAT, f"the file is {kind.description}")
    try:
        # The JPEG plugin's own class, since `open` looks for a camera's further pictures and trips over a broken list.
        stream = io.BytesIO(original)
        with warnings.catch_warnings():
            if kind is TIFF:
                warnings.filterwarnings("error", _LOST_TAGS)
            image = JpegImageFile(stream) if kind is JPEG else Image.open(stream, formats=(kind.name.upper(),))
    except Image.DecompressionBombError as error:
        raise CompressError(ErrorCode.TOO_MANY_PIXELS, f"more than {max_pixels} pixels") from error
    except MemoryError:
        raise
    except Exception as error:
        raise CompressError(ErrorCode.DECODE_ERROR, f"{kind.name} with a broken header") from error
    _limit(max_pixels, image.size, 1)
    return kind, image


def _limit(max_pixels: int, size: tuple[int, int], frames: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise CompressError(ErrorCode.TOO_MANY_PIXELS, f"{width} x {height}, more than {max_pixels} pixels")
    if frames > 1 and frames * width * height > _ANIMATED_PICTURES * max_pixels:
        most = _ANIMATED_PICTURES * max_pixels
        raise CompressError(
            ErrorCode.TOO_MANY_PIXELS, f"{frames} frames of {width} x {height}, more than {most} pixels"
        )


def _shown(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """In a mode of `_MODES`, with none of Pillow's notes but the transparency that its pixels need; and its profile."""
    if image.mode in {"CMYK", "LAB"}:
        shown = cmyk_or_lab_to_srgb(image, profile)
    elif image.mode == "I;16B":
        shown = image.convert("I;16")
    elif image.mode in _MODES:
        shown = image
    else:
        shown = to_basic_mode(image)
    shown.info = {key: image.info[key] for key in ("transparency",) if key in image.info and shown is image}
    return shown, travelling(profile, shown)


def _meant(
    format_: Format, original: bytes, chunks: dict[bytes, bytes], profile: bytes | None, *, grey: bool
) -> bytes | None:
    """The profile that says which colours are meant, if the file says it, by whatever means."""
    if chunks:
        return profile_of(chunks, profile, grey=grey)
    if format_ == "avif" and not profile:
        return avif_cicp_profile(original, grey=grey)
    return profile
