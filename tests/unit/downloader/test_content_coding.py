"""Content codings are undone in bounded pieces, however the body is cut."""

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.downloader.content_coding import MAX_CODINGS, PIECE_BYTES, CodingError, ContentDecoder, ExpandsTooMuch

LIMIT = 10_000_000
CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": lambda data: zlib.compress(data, wbits=-zlib.MAX_WBITS),
}
bodies = st.binary(max_size=500) | st.binary(min_size=1, max_size=5).map(lambda data: data * 50_000)


def parts(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in pairwise(places)]


def decoded(header: str, data: bytes, cuts: Sequence[int] = (), limit: int = LIMIT) -> tuple[bytes, bool]:
    """The data, and whether it had its end. Raises CodingError and ExpandsTooMuch."""
    decoder = ContentDecoder(header, limit)
    pieces = [piece for part in parts(data, cuts) for piece in decoder.decode(part)]
    pieces += decoder.finish()
    return b"".join(pieces), decoder.complete


@given(bodies, st.lists(st.sampled_from(sorted(CODINGS)), max_size=MAX_CODINGS), st.lists(st.integers(0), max_size=5))
def test_what_was_encoded_is_decoded_however_it_is_cut(body: bytes, codings: list[str], cuts: list[int]) -> None:
    data = body
    for coding in codings:
        data = CODINGS[coding](data)
    assert decoded(", ".join(codings), data, cuts) == (body, True)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "gzip, deflate"]), st.lists(st.integers(0)))
def test_any_bytes_are_decoded_in_the_same_way_however_they_are_cut(data: bytes, header: str, cuts: list[int]) -> None:
    """Or refused with CodingError, and never with another exception."""
    assert outcome(header, data, []) == outcome(header, data, cuts)


def outcome(header: str, data: bytes, cuts: list[int]) -> tuple[bytes, bool] | None:
    try:
        return decoded(header, data, cuts)
    except CodingError:
        return None


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_the_end_of_the_data_is_noticed(coding: str) -> None:
    body = bytes(range(256))
    data = CODINGS[coding](body)
    assert not decoded(coding, data[:-1])[1]
    assert decoded(coding, data + b"what follows is ignored") == (body, True)


def test_pieces_are_bounded_and_made_one_by_one() -> None:
    decoder = ContentDecoder("gzip", LIMIT)
    pieces = decoder.decode(gzip.compress(bytes(9_000_000)))
    assert max(map(len, pieces)) <= PIECE_BYTES


@pytest.mark.parametrize("header", ["gzip", "gzip, gzip"])
def test_data_that_expands_beyond_the_limit_is_refused(header: str) -> None:
    data = bytes(100_000)
    for _ in header.split(", "):
        data = gzip.compress(data)
    assert decoded(header, data, limit=100_000)[0] == bytes(100_000)
    with pytest.raises(ExpandsTooMuch):
        decoded(header, data, limit=99_999)


def test_the_limit_applies_after_each_coding() -> None:
    """Otherwise a few bytes could cost hours of CPU time, and come to nothing in the end."""
    nothing = b"\x00\x00\x00\xff\xff" * 1_000_000  # empty blocks
    with pytest.raises(ExpandsTooMuch):
        decoded("deflate, gzip", gzip.compress(nothing), limit=4_000_000)


@pytest.mark.parametrize("header", ["", "identity", "br", "zstd", "utf-8", "none, binary", "aws-chunked"])
def test_an_unknown_coding_is_passed_over(header: str) -> None:
    assert decoded(header, b"\xff\xd8\xff\xe0 and more") == (b"\xff\xd8\xff\xe0 and more", True)
    assert not ContentDecoder(header, LIMIT).needed


@pytest.mark.parametrize("image", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\4\0\0\0WEBP", b"II*\0"])
def test_an_image_with_a_wrong_label_is_taken_as_it_is(image: bytes) -> None:
    for header in ("gzip", "deflate", "gzip, deflate"):
        for body in (image + bytes(100), image):
            assert decoded(header, body) == (body, True)


def test_many_codings_are_refused() -> None:
    with pytest.raises(CodingError):
        ContentDecoder("gzip, deflate, gzip", LIMIT)
