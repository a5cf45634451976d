"""JPEG: lossy, opaque, one frame."""

from collections.abc import Sequence

from services.compressor.decoders import Picture, flatten_on_white
from services.compressor.encoders.jpeg.chrominance import subsampling_for
from services.compressor.encoders.jpeg.jpeg_file import Coding, encode_jpeg
from services.compressor.encoders.jpeg.prediction import predict
from services.compressor.encoders.jpeg.quantisation import quantisation_tables
from services.compressor.rate_control import QUALITIES, Ladder


def jpeg_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """What is clear becomes white; of an animation only the first frame is left.

    EXIF or XMP that does not fit into one segment (64 kB) is left out; other formats know no such limit.
    """
    jpeg = _Jpeg(picture)
    return Ladder(QUALITIES, jpeg.encode, jpeg.expected_sizes)


_EXIF = b"Exif\0\0"  # by which readers know the segment; Pillow writes what it is given
_SEGMENT_BYTES = 65_533  # besides its length
_XMP_BYTES = _SEGMENT_BYTES - len(b"http://ns.adobe.com/xap/1.0/\0")


class _Jpeg:
    """A picture on its way to a JPEG. How it is coded depends on what is expected of it, and is decided once."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._image = flatten_on_white(picture.image)
        self._coding: Coding | None = None
        exif, xmp = picture.exif and _EXIF + picture.exif, picture.xmp
        self._carried = {
            "icc_profile": picture.icc_profile,
            "exif": exif if len(exif or b"") <= _SEGMENT_BYTES else None,
            "xmp": xmp if len(xmp or b"") <= _XMP_BYTES else None,
        }

    def encode(self, quality: int) -> bytes:
        if self._coding is None:
            subsampling = subsampling_for(self._image, self._picture.jpeg, quality)
            self._coding = Coding(subsampling, optimised_huffman=True)
        return encode_jpeg(self._image, quantisation_tables(quality), self._coding, **self._carried)

    def expected_sizes(self, limit: int) -> Sequence[float]:
        carried = sum(len(data or b"") for data in self._carried.values())
        found = predict(self._image, self._picture.jpeg, max(limit - carried, 1))
        self._coding = found.coding
        return [size + carried for size in found.sizes]
