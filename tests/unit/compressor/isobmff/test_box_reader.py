"""Boxes are found whatever the form of their size; damage is refused, or ends the reading."""

import pytest

from services.compressor.isobmff import Box, boxes, intact_boxes
from tests.support.boxes import box, endless_box, wide_box


def test_boxes_of_all_kinds_of_sizes_are_found() -> None:
    data = box(b"one ", b"1") + wide_box(b"two ", b"22") + endless_box(b"last", b"333")

    assert list(boxes(data, 0, len(data))) == [
        Box(b"one ", 0, 8, 9),
        Box(b"two ", 9, 25, 27),
        Box(b"last", 27, 35, 38),
    ]


@pytest.mark.parametrize("data", [b"\0\0\0\x09free", b"\0\0\0\x07free", b"\0\0\0", b"\0\0\0\1free\0\0"])
def test_a_truncated_box_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="truncated"):
        list(boxes(data, 0, len(data)))


def test_the_boxes_before_the_damage_are_intact() -> None:
    data = box(b"one ", b"1") + b"\0\0\0\x09free"

    assert list(intact_boxes(data, 0, len(data))) == [Box(b"one ", 0, 8, 9)]


def test_a_container_of_very_many_boxes_is_refused() -> None:
    data = box(b"free", b"") * 10_001

    with pytest.raises(ValueError, match="too many"):
        list(boxes(data, 0, len(data)))
