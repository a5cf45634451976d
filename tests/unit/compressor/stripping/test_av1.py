"""Metadata in an AV1 stream is blanked in place."""

import pytest

from services.compressor.stripping.av1 import without_metadata

SEQUENCE, DELIMITER, METADATA, FRAME, RESERVED, PADDING = 1, 2, 5, 6, 9, 15
LIGHT_LEVEL, MASTERING, T35 = 1, 2, 4


def unit(kind: int, content: bytes, *, extension: bool = False) -> bytes:
    header = bytes((kind << 3 | 0x02 | (0x04 if extension else 0),)) + (b"\x20" if extension else b"")
    return header + len(content).to_bytes(1, "little") + content


def padding(size: int, *, extension: bool = False) -> bytes:
    return unit(PADDING, bytes(size - 1) + b"\x80", extension=extension)


PICTURE = unit(DELIMITER, b"") + unit(SEQUENCE, b"sequence")
END = unit(FRAME, b"pixels")


@pytest.mark.parametrize("extension", [False, True])
@pytest.mark.parametrize(
    ("kind", "content"), [(METADATA, bytes((T35,)) + b"secret"), (PADDING, b"secret\x80"), (RESERVED, b"secret!")]
)
def test_units_without_a_picture_become_padding(kind: int, content: bytes, extension: bool) -> None:
    stream = PICTURE + unit(kind, content, extension=extension) + END

    assert without_metadata(stream) == PICTURE + padding(len(content), extension=extension) + END


@pytest.mark.parametrize("kind", [LIGHT_LEVEL, MASTERING])
def test_the_light_levels_of_hdr_are_kept(kind: int) -> None:
    stream = PICTURE + unit(METADATA, bytes((kind, 1, 2, 3))) + END

    assert without_metadata(stream) == stream


def test_the_last_unit_may_lack_a_size() -> None:
    stream = PICTURE + bytes((FRAME << 3,)) + b"pixels to the end"

    assert without_metadata(stream) == stream


@pytest.mark.parametrize("stream", [bytes((FRAME << 3 | 2, 9)) + b"short", bytes((FRAME << 3 | 2,)) + b"\xff" * 9])
def test_a_damaged_stream_is_refused(stream: bytes) -> None:
    with pytest.raises(ValueError, match=r"truncated|too long"):
        without_metadata(stream)
