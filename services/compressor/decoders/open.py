"""Open an original safely: decode all of it, turn it upright, and settle its colour space and metadata."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.JpegImagePlugin import JpegImageFile

from services.compressor.compress_error import CompressError
from services.compressor.decoders.bmp import read_bitmap, with_usual_header
from services.compressor.decoders.cicp import avif_cicp_profile
from services.compressor.decoders.colour_profile import cmyk_or_lab_to_srgb, is_grey, profile_to_keep
from services.compressor.decoders.decode import Decoded, decode
from services.compressor.decoders.density import density_of_bmp
from services.compressor.decoders.gain_map import read_gain_map
from services.compressor.decoders.hdr import Hdr, hdr_of_avif, hdr_of_png, hdr_of_profile
from services.compressor.decoders.jpeg_decode import open_jpeg
from services.compressor.decoders.jpeg_segments import unsupported_kind
from services.compressor.decoders.jpeg_source import jpeg_source
from services.compressor.decoders.metadata import Metadata, metadata_to_keep
from services.compressor.decoders.picture import Format, Picture
from services.compressor.decoders.pixel_modes import to_basic_mode
from services.compressor.decoders.png_chunks import colour_chunks
from services.compressor.decoders.png_colours import effective_chunks, effective_profile, profile_for_mode
from services.compressor.decoders.png_essentials import essential_png
from services.compressor.decoders.tiff_pages import UnreadTiff, open_tiff
from services.compressor.isobmff import primary_properties
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
MAX_ANIMATION_FACTOR = 4
"""All frames of an animation together, as a multiple of `max_pixels`."""

_LOST_TAGS = "Truncated File Read|Corrupt EXIF data|Possibly corrupt"
"""Warnings about a TIFF's tags, on which its colours may depend."""


def open_picture(original: bytes, max_pixels: int, metadata: MetadataPolicy = "strip") -> Picture:
    """Decode an original; `metadata` says which of its metadata to keep.

    The content decides the format. If a file holds several pictures (a camera's MPO), the first is decoded; of a TIFF's
    pages the first that is no thumbnail.
    `max_pixels` limits width times height, and is checked before memory is allocated. All frames of an
    animation together may have MAX_ANIMATION_FACTOR times as many pixels, because they are decoded one at a time.
    Raises CompressError if the file is not a picture of a supported format, too large, or incomplete.
    """
    kind = file_type(original)
    if kind not in _FORMATS:
        raise CompressError(ErrorCode.UNSUPPORTED_FORMAT, f"the file is {kind.description}")
    with _pillow_pixel_limit(max_pixels):
        try:
            return _open(kind, original, max_pixels, metadata)
        except CompressError as refusal:
            if kind is not PNG or refusal.code is not ErrorCode.DECODE_ERROR:
                raise
            return _open(kind, _essentials(original, refusal), max_pixels, metadata)


def _essentials(png: bytes, refusal: CompressError) -> bytes:
    """The PNG without what browsers ignore. Raises `refusal` if its pixels are broken."""
    try:
        return essential_png(png)
    except ValueError:
        raise refusal from None


def _open(kind: FileType, original: bytes, max_pixels: int, metadata: MetadataPolicy) -> Picture:
    limit = partial(_check_pixels, max_pixels)
    try:
        if kind is BMP:
            original = with_usual_header(original)
            if bitmap := read_bitmap(original):
                limit(bitmap.size, 1)
                pixels = bitmap.decode(original)
                return _picture(pixels, "bmp", Decoded(pixels), original, metadata)
        image = _read_header(kind, original, max_pixels)
        decoded = decode(image, _FORMATS[kind], original, limit)
    except (CompressError, MemoryError):
        raise
    except Exception as error:
        # Decoders raise any exception for hostile bytes, not only OSError.
        raise CompressError(ErrorCode.DECODE_ERROR, f"{kind.name} does not decode: {error}") from error
    return _picture(image, _FORMATS[kind], decoded, original, metadata)


def _picture(
    image: Image.Image, format_: Format, decoded: Decoded, original: bytes, metadata: MetadataPolicy
) -> Picture:
    source = jpeg_source(image, original) if isinstance(image, JpegImageFile) else None
    orientation = decoded.orientation
    kept = _metadata_to_keep(image, original, metadata, orientation)
    profile = image.info.get("icc_profile")  # which may be numbers in a TIFF
    pixels, profile = _to_supported_mode(decoded.image, profile if isinstance(profile, bytes) else None)
    grey = is_grey(pixels)
    chunks: dict[bytes, bytes] = {}
    if format_ == "png":
        chunks, profile = dict(colour_chunks(original)), profile_for_mode(profile, grey=grey)
    icc_profile, hdr = _colour_space(format_, original, chunks, profile, grey=grey)
    return Picture(
        image=pixels,
        format=format_,
        animation=decoded.animation,
        icc_profile=icc_profile,
        hdr=hdr,
        exif=kept.exif,
        xmp=kept.xmp,
        density=kept.density,
        orientation=orientation,
        jpeg=source,
        colour_chunks=tuple(effective_chunks(chunks, profile).items()),
        gain_map=read_gain_map(original, image.size, orientation) if format_ == "jpeg" else None,
    )


def _metadata_to_keep(image: Image.Image, original: bytes, policy: MetadataPolicy, orientation: int) -> Metadata:
    if isinstance(image, ImageFile.ImageFile):
        return metadata_to_keep(image, policy, orientation)
    return Metadata(density=density_of_bmp(original) if policy == "keep" else None)  # Pillow does not read this BMP


@contextmanager
def _pillow_pixel_limit(max_pixels: int) -> Iterator[None]:
    """Make Pillow refuse too many pixels before it allocates any.

    Its limit is a module variable, and it refuses at twice that value.
    """
    usual = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = (max_pixels + 1) // 2
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = usual


def _read_header(kind: FileType, original: bytes, max_pixels: int) -> ImageFile.ImageFile:
    """The file as Pillow opens it. Raises CompressError."""
    if kind is JPEG and (unusual := unsupported_kind(original)):
        raise CompressError(ErrorCode.UNSUPPORTED_FORMAT, f"the file is {unusual}")
    try:
        with warnings.catch_warnings():
            if kind is TIFF:
                warnings.filterwarnings("error", _LOST_TAGS)
            image = _opened(kind, original)
    except UnreadTiff as error:
        raise CompressError(ErrorCode.UNSUPPORTED_FORMAT, f"the file is {error}") from error
    except Image.DecompressionBombError as error:
        raise CompressError(ErrorCode.TOO_MANY_PIXELS, f"more than {max_pixels} pixels") from error
    except MemoryError:
        raise
    except Exception as error:
        raise CompressError(ErrorCode.DECODE_ERROR, f"{kind.name} with a broken header") from error
    _check_pixels(max_pixels, image.size, 1)
    return image


def _opened(kind: FileType, original: bytes) -> ImageFile.ImageFile:
    if kind is JPEG:
        return open_jpeg(original)
    if kind is TIFF:
        return open_tiff(original)
    if kind is AVIF:
        return AvifImageFile(io.BytesIO(original))  # `Image.open` refuses major brands that browsers accept
    return Image.open(io.BytesIO(original), formats=(kind.name.upper(),))


def _check_pixels(max_pixels: int, size: tuple[int, int], frames: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise CompressError(ErrorCode.TOO_MANY_PIXELS, f"{width} x {height}, more than {max_pixels} pixels")
    limit = MAX_ANIMATION_FACTOR * max_pixels
    if frames > 1 and frames * width * height > limit:
        raise CompressError(
            ErrorCode.TOO_MANY_PIXELS, f"{frames} frames of {width} x {height}, more than {limit} pixels"
        )


def _to_supported_mode(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """The image in a mode of `_MODES`, and the profile it needs.

    Its `info` is emptied, except for the transparency of a palette or a colour key.
    """
    if image.mode in {"CMYK", "LAB"}:
        converted = cmyk_or_lab_to_srgb(image, profile)
    elif image.mode in _MODES:
        converted = image
    else:
        converted = to_basic_mode(image)
    needs_transparency = converted is image and "transparency" in image.info
    converted.info = {"transparency": image.info["transparency"]} if needs_transparency else {}
    return _detached(converted), profile_to_keep(profile, converted)


def _detached(image: Image.Image) -> Image.Image:
    """The same pixels without the file they came from, whose tags Pillow's writers would copy."""
    return image._new(image.im) if isinstance(image, ImageFile.ImageFile) else image


def _colour_space(
    format_: Format, original: bytes, chunks: dict[bytes, bytes], profile: bytes | None, *, grey: bool
) -> tuple[bytes | None, Hdr | None]:
    """What the file defines by any means: the ICC profile, None for sRGB; and the space, if it is an HDR one."""
    if chunks:
        if hdr := hdr_of_png(chunks):
            return None, hdr
        profile = effective_profile(chunks, profile, grey=grey)
    elif format_ == "avif" and not profile:
        properties = primary_properties(original)
        if hdr := hdr_of_avif(properties):
            return None, hdr
        profile = avif_cicp_profile(properties, grey=grey)
    return profile, hdr_of_profile(profile)
