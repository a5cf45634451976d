"""What a stripped file keeps besides its pixels."""

from typing import NamedTuple

from PIL import ExifTags, Image

from services.compressor.decoders import Density, JpegApplication, Picture

_ORIENTED_BY_EXIF = frozenset({"jpeg", "png"})


class Kept(NamedTuple):
    """exif: from its TIFF header on; None for none. profile: whether the file's ICC profile changes its colours.

    density: that of a JPEG.
    """

    exif: bytes | None = None
    profile: bool = False
    density: Density | None = None


def kept_of(picture: Picture) -> Kept:
    """The metadata that was selected when the picture was decoded, with the orientation that its pixels need."""
    with_profile = picture.icc_profile is not None or picture.hdr is not None
    return Kept(_oriented(picture), with_profile, picture.density)


def _oriented(picture: Picture) -> bytes | None:
    """The EXIF of the picture. AVIF and TIFF store the orientation elsewhere; that of a WebP is 1."""
    if picture.orientation == 1 or picture.format not in _ORIENTED_BY_EXIF:
        return picture.exif
    exif = Image.Exif()
    exif.load(picture.exif or b"")
    exif[ExifTags.Base.Orientation] = picture.orientation
    return exif.tobytes().removeprefix(JpegApplication.EXIF.header)
