"""Boxes are edited in place, and what depends on places and sizes is written anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compressor.isobmff import Edits, boxes
from tests.support.boxes import box, endless_box, wide_box


@pytest.mark.parametrize("make", [box, wide_box, endless_box])
def test_containers_get_their_new_sizes(make: object) -> None:
    assert callable(make)
    inner = box(b"keep", b"x") + box(b"drop", b"secret") + box(b"grow", b"")
    data = make(b"outr", inner)
    (outer,) = boxes(data, 0, len(data))
    keep, drop, grow = boxes(data, outer.content, outer.end)
    edits = Edits(data)
    edits.containers += [outer, grow]

    edits.delete(drop.start, drop.end)
    edits.replace(grow.content, grow.end, b"12345")

    assert edits.applied() == make(b"outr", data[keep.start : keep.end] + box(b"grow", b"12345"))


@given(st.binary(min_size=30, max_size=60), st.lists(st.tuples(st.integers(8, 58), st.binary(max_size=4)), max_size=5))
def test_an_offset_points_at_the_same_byte_after_changes(data: bytes, changes: list[tuple[int, bytes]]) -> None:
    starts = sorted({at for at, _ in changes if at + 2 <= len(data) - 1})
    edits = Edits(data)
    free = [at for at, following in zip(starts, [*starts[1:], len(data)], strict=False) if at + 2 <= following]
    for at, (_, new) in zip(free, changes, strict=False):
        edits.replace(at, at + 2, new)
    edits.move_offset(0, 4, len(data) - 1)

    changed = edits.applied()

    assert changed[int.from_bytes(changed[:4], "big")] == data[-1]
    assert int.from_bytes(changed[:4], "big") == len(changed) - 1


def test_overlapping_changes_are_refused() -> None:
    edits = Edits(bytes(10))
    edits.delete(2, 6)
    edits.overwrite(5, b"xx")

    with pytest.raises(ValueError, match="overlap"):
        edits.applied()


def test_a_change_outside_the_file_is_refused() -> None:
    with pytest.raises(ValueError, match="truncated"):
        Edits(bytes(4)).overwrite(3, b"xx")
