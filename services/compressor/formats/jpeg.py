"""JPEG: lossy, opaque, one frame."""

from collections.abc import Sequence

from services.compressor.fitting.ladder import QUALITIES, Ladder
from services.compressor.formats.jpeg_chrominance import subsampling_for
from services.compressor.formats.jpeg_encode import Coding, encode_jpeg
from services.compressor.formats.jpeg_forecast import forecast
from services.compressor.formats.jpeg_tables import tables
from services.compressor.opening.colours import on_white
from services.compressor.opening.picture import Picture


def ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """What is clear becomes white; of an animation only the first frame is left."""
    jpeg = _Jpeg(picture)
    return Ladder(QUALITIES, jpeg.encode, jpeg.expected_sizes)


_EXIF = b"Exif\0\0"  # by which readers know the segment; Pillow writes what it is given


class _Jpeg:
    """A picture on its way to a JPEG. How it is coded depends on what is expected of it, and is decided once."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._image = on_white(picture.image)
        self._coding: Coding | None = None

    def encode(self, quality: int) -> bytes:
        picture = self._picture
        if self._coding is None:
            subsampling = subsampling_for(self._image, picture.jpeg, quality)
            self._coding = Coding(subsampling, fitted_huffman=True)
        return encode_jpeg(
            self._image,
            tables(quality),
            self._coding,
            icc_profile=picture.icc_profile,
            exif=picture.exif and _EXIF + picture.exif,
            xmp=picture.xmp,
        )

    def expected_sizes(self, limit: int) -> Sequence[float]:
        picture = self._picture
        carried = sum(len(data or b"") for data in (picture.icc_profile, picture.exif, picture.xmp))
        found = forecast(self._image, picture.jpeg, max(limit - carried, 1))
        self._coding = found.coding
        return [size + carried for size in found.sizes]
