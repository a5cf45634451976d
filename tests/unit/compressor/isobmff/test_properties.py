"""The properties of an AVIF's primary picture."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from services.compressor.isobmff import primary_properties
from tests.support.boxes import box, wide_box
from tests.support.compressing import a_picture, encoded


def colour(transfer: int) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHH", 9, transfer, 9), b"\x80")


def file_with_two_pictures(primary: int, *, wide: bool) -> bytes:
    """The properties 1 and 3 belong to item 1, 2 and 3 to item 2. wide: of indices and of the containers' sizes."""
    container = wide_box if wide else box
    properties = box(b"ipco", colour(13), colour(16), box(b"ispe", bytes(12)))
    indices = [struct.pack(">HH" if wide else ">BB", *each) for each in ((1, 3), (2, 3))]
    items = b"".join(struct.pack(">HB", at + 1, 2) + each for at, each in enumerate(indices))
    associations = box(b"ipma", struct.pack(">II", int(wide), 2), items)
    first = box(b"pitm", bytes(4), struct.pack(">H", primary))
    return box(b"ftyp", b"avif") + container(b"meta", bytes(4), first, container(b"iprp", properties, associations))


def test_only_the_properties_of_the_primary_picture_count() -> None:
    for wide in (False, True):
        for primary, transfer in ((1, 13), (2, 16)):
            properties = primary_properties(file_with_two_pictures(primary, wide=wide))

            assert properties[b"colrnclx"][2:4] == bytes((0, transfer))
            assert properties[b"ispe"] == bytes(12)


def test_if_no_picture_is_primary_the_first_property_counts() -> None:
    assert primary_properties(file_with_two_pictures(7, wide=False))[b"colrnclx"][2:4] == b"\0\x0d"


def test_the_properties_may_be_listed_in_several_boxes() -> None:
    """Boxes may differ in the bytes of an index (ISO 23008-12, 9.3)."""
    properties = box(b"ipco", *[colour(13)] * 200, colour(16))
    first = box(b"ipma", struct.pack(">IIHBB", 0, 1, 1, 1, 2))
    second = box(b"ipma", struct.pack(">IIHBH", 1, 1, 2, 1, 0x8000 | 201))
    primary = box(b"pitm", bytes(4), struct.pack(">H", 2))

    found = primary_properties(box(b"meta", bytes(4), primary, box(b"iprp", properties, first, second)))

    assert found[b"colrnclx"][2:4] == b"\0\x10"


@given(st.data())
def test_damaged_boxes_are_passed_over(data: st.DataObject) -> None:
    avif = bytearray(encoded(a_picture(size=(16, 16)), "AVIF"))
    for _ in range(data.draw(st.integers(1, 6))):
        avif[data.draw(st.integers(0, min(len(avif), 400) - 1))] = data.draw(st.integers(0, 255))

    primary_properties(bytes(avif[: data.draw(st.integers(0, len(avif)))]))
