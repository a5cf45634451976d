"""JPEG: lossy, opaque, one frame. Rungs are qualities."""

from collections.abc import Sequence

from services.compressor.decoders import JpegApplication, Picture, flatten_on_white
from services.compressor.encoders.jpeg.chrominance import subsampling_for
from services.compressor.encoders.jpeg.gain_map_file import (
    TRAILER_BYTES,
    announcing_xmp,
    encode_gain_map,
    with_gain_map,
)
from services.compressor.encoders.jpeg.jpeg_file import Coding, encode_jpeg, with_density
from services.compressor.encoders.jpeg.prediction import predict
from services.compressor.encoders.jpeg.quantisation import quantisation_tables
from services.compressor.rate_control import QUALITIES, Ladder

MAX_GAIN_MAP_PART = 1 / 6
"""Of the limit: it costs the picture itself a few qualities at most."""

_LARGE_PIXELS = 500_000
"""From here on, restart markers let parts be decoded, such as those that are compared with the original.

They take 0.05 % of the bytes.
"""

_EXIF_HEADER = JpegApplication.EXIF.header  # which Pillow does not add
_MAX_SEGMENT_BYTES = 65_533  # without the length field
_MAX_XMP_BYTES = _MAX_SEGMENT_BYTES - len(JpegApplication.XMP.header)


def jpeg_ladder(picture: Picture, original_bytes: int) -> Ladder:
    """Transparent pixels become white, and an animation is reduced to its first frame.

    EXIF or XMP larger than one segment (64 kB) is omitted; other formats have no such limit. A gain map is kept if it
    fits into a small part of the limit.
    """
    jpeg = _Jpeg(picture, original_bytes)
    return Ladder(QUALITIES, jpeg.encode, jpeg.expected_sizes)


class _Jpeg:
    """One picture. Coding and gain map are decided once, for the quality or the limit that is needed first."""

    def __init__(self, picture: Picture, original_bytes: int) -> None:
        self._picture = picture
        self._original_bytes = original_bytes
        self._image = flatten_on_white(picture.image)
        self._coding: Coding | None = None
        self._gain_map: bytes | None = None
        exif, xmp = picture.exif and _EXIF_HEADER + picture.exif, picture.xmp
        self._metadata = {
            "icc_profile": picture.icc_profile,
            "exif": exif if len(exif or b"") <= _MAX_SEGMENT_BYTES else None,
            "xmp": xmp if len(xmp or b"") <= _MAX_XMP_BYTES else None,
        }

    def encode(self, quality: int) -> bytes:
        if self._coding is None:
            self._choose_gain_map(self._original_bytes)
            subsampling = subsampling_for(self._image, self._picture.jpeg, quality)
            self._coding = Coding(subsampling, optimised_huffman=True)
        restarts = self._image.width * self._image.height >= _LARGE_PIXELS
        tables = quantisation_tables(quality)
        jpeg = encode_jpeg(self._image, tables, self._coding, restarts=restarts, **self._metadata)
        jpeg = with_density(jpeg, self._picture.density)
        if self._gain_map is None or self._picture.gain_map is None:
            return jpeg
        return with_gain_map(jpeg, self._gain_map, iso=self._picture.gain_map.iso is not None)

    def expected_sizes(self, limit: int) -> Sequence[float]:
        self._choose_gain_map(limit)
        other_bytes = sum(len(data or b"") for data in self._metadata.values())
        if self._gain_map is not None:
            other_bytes += len(self._gain_map) + TRAILER_BYTES
        prediction = predict(self._image, self._picture.jpeg, max(limit - other_bytes, 1))
        self._coding = prediction.coding
        return [size + other_bytes for size in prediction.sizes]

    def _choose_gain_map(self, limit: int) -> None:
        """Encode the gain map for a file of this size, and announce it."""
        gain_map, xmp = self._picture.gain_map, self._picture.xmp
        if gain_map is None:
            return
        self._gain_map = encode_gain_map(gain_map, self._image.size, int(limit * MAX_GAIN_MAP_PART))
        if self._gain_map is not None and gain_map.properties is not None:
            xmp = announcing_xmp(xmp, len(self._gain_map))
            if xmp is None or len(xmp) > _MAX_XMP_BYTES:
                self._gain_map, xmp = None, self._picture.xmp
        self._metadata["xmp"] = xmp if len(xmp or b"") <= _MAX_XMP_BYTES else None
