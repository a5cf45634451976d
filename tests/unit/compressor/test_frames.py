"""Frames arrive as they were sent, however the stream is cut."""

from hypothesis import given
from hypothesis import strategies as st

from services.compressor.frames import PREFIX_BYTES, FrameReader, parts, sizes

HEADS = st.one_of(st.none(), st.integers(), st.text(), st.tuples(st.binary(max_size=50), st.floats(allow_nan=False)))


@given(st.lists(st.tuples(HEADS, st.binary(max_size=300)), max_size=4), st.integers(1, 400))
def test_frames_arrive_one_after_another_in_chunks_of_any_size(
    frames: list[tuple[object, bytes]], chunk_bytes: int
) -> None:
    reader = FrameReader()
    for head, data in frames:
        stream = b"".join(parts(head, data))
        chunks = [stream[at : at + chunk_bytes] for at in range(0, len(stream), chunk_bytes)]
        *before, last = [reader.feed(chunk) for chunk in chunks]
        assert before == [None] * len(before)
        assert last == (head, data)


@given(HEADS, st.binary(max_size=300))
def test_the_prefix_has_the_sizes_of_both_parts(head: object, data: bytes) -> None:
    stream = b"".join(parts(head, data))
    assert sum(sizes(stream[:PREFIX_BYTES])) == len(stream) - PREFIX_BYTES
    assert sizes(stream[:PREFIX_BYTES])[1] == len(data)
