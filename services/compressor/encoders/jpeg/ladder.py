"""JPEG: lossy, opaque, one frame. Rungs are qualities."""

from collections.abc import Sequence

from services.compressor.decoders import Picture, flatten_on_white
from services.compressor.encoders.jpeg.chrominance import subsampling_for
from services.compressor.encoders.jpeg.jpeg_file import Coding, encode_jpeg, with_density
from services.compressor.encoders.jpeg.prediction import predict
from services.compressor.encoders.jpeg.quantisation import quantisation_tables
from services.compressor.rate_control import QUALITIES, Ladder

_LARGE_PIXELS = 500_000
"""From here on, restart markers let parts be decoded, such as those that are compared with the original.

They take 0.05 % of the bytes.
"""

_EXIF_HEADER = b"Exif\0\0"  # identifies the segment; Pillow does not add it
_MAX_SEGMENT_BYTES = 65_533  # without the length field
_MAX_XMP_BYTES = _MAX_SEGMENT_BYTES - len(b"http://ns.adobe.com/xap/1.0/\0")


def jpeg_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """Transparent pixels become white, and an animation is reduced to its first frame.

    EXIF or XMP larger than one segment (64 kB) is omitted; other formats have no such limit.
    """
    jpeg = _Jpeg(picture)
    return Ladder(QUALITIES, jpeg.encode, jpeg.expected_sizes)


class _Jpeg:
    """One picture. Its coding is decided once, for the quality or the limit that is needed first."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._image = flatten_on_white(picture.image)
        self._coding: Coding | None = None
        exif, xmp = picture.exif and _EXIF_HEADER + picture.exif, picture.xmp
        self._metadata = {
            "icc_profile": picture.icc_profile,
            "exif": exif if len(exif or b"") <= _MAX_SEGMENT_BYTES else None,
            "xmp": xmp if len(xmp or b"") <= _MAX_XMP_BYTES else None,
        }

    def encode(self, quality: int) -> bytes:
        if self._coding is None:
            subsampling = subsampling_for(self._image, self._picture.jpeg, quality)
            self._coding = Coding(subsampling, optimised_huffman=True)
        restarts = self._image.width * self._image.height >= _LARGE_PIXELS
        tables = quantisation_tables(quality)
        jpeg = encode_jpeg(self._image, tables, self._coding, restarts=restarts, **self._metadata)
        return with_density(jpeg, self._picture.density)

    def expected_sizes(self, limit: int) -> Sequence[float]:
        metadata_bytes = sum(len(data or b"") for data in self._metadata.values())
        prediction = predict(self._image, self._picture.jpeg, max(limit - metadata_bytes, 1))
        self._coding = prediction.coding
        return [size + metadata_bytes for size in prediction.sizes]
