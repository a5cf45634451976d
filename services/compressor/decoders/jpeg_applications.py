"""The kinds of application segments of a JPEG that matter here.

Sources: JFIF 1.02; Exif 2.32, 4.7.2; XMP, part 3; ICC.1, annex B.4; ISO 21496-1, annex C; CIPA DC-007; Adobe's
Technical Note 5116.
"""

from enum import Enum


class JpegApplication(Enum):
    """marker, header: what the segment has, and what its content begins with.

    fields: the least bytes of a content that decoders read, with the header; 0 for any.
    """

    JFIF = 0xE0, b"JFIF\0", 14
    EXIF = 0xE1, b"Exif\0\0"
    XMP = 0xE1, b"http://ns.adobe.com/xap/1.0/\0"
    PROFILE = 0xE2, b"ICC_PROFILE\0"
    GAIN_MAP = 0xE2, b"urn:iso:std:iso:ts:21496:-1\0"
    PICTURE_INDEX = 0xE2, b"MPF\0"
    ADOBE = 0xEE, b"Adobe", 12

    def __init__(self, marker: int, header: bytes, fields: int = 0) -> None:
        self.marker = marker
        self.header = header
        self.fields = fields

    def matches(self, marker: int, content: bytes) -> bool:
        """Whether a segment is of this kind."""
        return marker == self.marker and content.startswith(self.header)

    def segment(self, content: bytes) -> bytes:
        """The segment with this content behind its header. Raises OverflowError if it is too long."""
        return jpeg_segment(self.marker, self.header + content)


def jpeg_segment(marker: int, content: bytes) -> bytes:
    """A segment as it is written to a file. Raises OverflowError if the content is too long."""
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content
