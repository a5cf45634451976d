"""Responses cut at any point, beside h11 as a second opinion; and the limits of what a host may send."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.outbound.malformed import MalformedResponse
from shared.outbound.response_parser import FREE_FRAMING_BYTES, MAX_HEAD_BYTES, MAX_HEAD_LINES, ResponseParser
from tests.support.odd_responses import ODD_RESPONSES

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BLOCK = 65536
Change = tuple[int, int, bytes]
"""A place in a response, how many bytes are removed there, and those that are inserted."""

names = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=8).map(lambda name: b"X-" + name.encode())
visible = st.binary(max_size=12).map(lambda data: bytes(32 + byte % 95 for byte in data).strip())
values = visible | st.just("café".encode("latin-1"))
odd_bytes = st.binary(max_size=3) | st.sampled_from([b"\n", b"\r", b"\r\n", b"\n ", b" ", b":", b",", b"\0", b"0"])
fields = st.lists(st.tuples(names, values), max_size=4)


@dataclass(frozen=True)
class Sent:
    """A response as bytes, and what a client must read in it."""

    raw: bytes
    method: str
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    ends_with_connection: bool


@dataclass(frozen=True)
class Read:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    reusable: bool


def lines(fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % field for field in fields)


@st.composite
def responses(draw: st.DrawFn) -> Sent:
    interim = b"".join(
        b"HTTP/1.1 %d Wait\r\n%b\r\n" % (draw(st.sampled_from([100, 102, 103, 150])), lines(draw(fields)))
        for _ in range(draw(st.integers(0, 3)))
    )
    status = draw(st.sampled_from([200, 203, 204, 206, 301, 304, 404, 503]))
    method = draw(st.sampled_from(["GET", "GET", "POST", "HEAD"]))
    framing = draw(st.sampled_from(["length", "chunks", "connection"]))
    body = draw(st.binary(max_size=200))
    headers = draw(fields)
    if framing == "length":
        headers.insert(draw(st.integers(0, len(headers))), (b"Content-Length", b"%d" % len(body)))
    if framing == "chunks":
        headers.insert(draw(st.integers(0, len(headers))), (b"Transfer-Encoding", b"chunked"))
    sent = draw(in_chunks(body)) if framing == "chunks" else body
    bodiless = method == "HEAD" or status in {204, 304}
    raw = interim + b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, draw(visible), lines(headers)) + (b"" if bodiless else sent)
    return Sent(raw, method, status, headers, b"" if bodiless else body, framing == "connection" and not bodiless)


@st.composite
def in_chunks(draw: st.DrawFn, body: bytes) -> bytes:
    cuts = sorted({0, len(body), *draw(st.lists(st.integers(0, len(body)), max_size=5))})
    extensions = st.sampled_from([b"", b";a", b";a=b", b';a="b c";d=e'])
    chunks = [b"%x%b\r\n%b\r\n" % (end - begin, draw(extensions), body[begin:end]) for begin, end in pairwise(cuts)]
    return b"".join([*chunks, b"0", draw(extensions), b"\r\n", lines(draw(fields)), b"\r\n"])


def blocks(raw: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    return (raw[begin:end] for begin, end in pairwise(places))


def read(method: str, parts: Iterator[bytes], *, end: bool) -> Read:
    """What the parser reads. Raises MalformedResponse."""
    parser, body = ResponseParser(method), b""
    for part in parts:
        parser.feed(part)
        assert parser.head is not None or not parser.complete
        body += parser.take()
    if end:
        parser.feed_end()
    assert parser.complete
    assert parser.head is not None
    return Read(parser.head.status, parser.head.headers, body, parser.reusable)


def read_by_h11(method: str, parts: Iterator[bytes], *, end: bool) -> Read:
    """What h11 reads. Raises h11.RemoteProtocolError."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=10**6)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    status, headers, body = 0, [], b""
    for part in [*parts, *([b""] if end else [])]:
        connection.receive_data(part)
        while not isinstance(event := connection.next_event(), type):  # NEED_DATA or PAUSED
            if isinstance(event, h11.Response):
                status, headers = event.status_code, event.headers.raw_items()
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                reusable = connection.their_state is h11.DONE and not connection.trailing_data[0]
                return Read(status, list(headers), body, reusable and not end)
    raise h11.RemoteProtocolError("not complete")


@given(responses(), st.lists(st.integers(0, 1000), max_size=12))
def test_a_response_is_read_whole_however_it_is_cut(sent: Sent, cuts: list[int]) -> None:
    found = read(sent.method, blocks(sent.raw, cuts), end=sent.ends_with_connection)
    assert (found.status, found.headers, found.body) == (sent.status, sent.headers, sent.body)
    expected = read_by_h11(sent.method, blocks(sent.raw, cuts), end=sent.ends_with_connection)
    assert (found.status, found.headers, found.body) == (expected.status, expected.headers, expected.body)
    assert expected.reusable or not found.reusable


@given(responses(), st.lists(st.integers(0, 1000), max_size=5))
def test_a_response_in_single_bytes_is_the_same(sent: Sent, cuts: list[int]) -> None:
    single = read(sent.method, blocks(sent.raw, range(len(sent.raw))), end=sent.ends_with_connection)
    assert single == read(sent.method, blocks(sent.raw, cuts), end=sent.ends_with_connection)


@given(responses(), st.integers(0, 1000))
def test_a_response_that_is_cut_off_is_malformed(sent: Sent, cut: int) -> None:
    raw = sent.raw[: cut % len(sent.raw)]
    if sent.ends_with_connection:
        raw = raw[: sent.raw.rindex(b"\r\n\r\n", 0, len(sent.raw) - len(sent.body)) + 3]
    parser = ResponseParser(sent.method)
    with pytest.raises(MalformedResponse):  # noqa: PT012 - either of the two
        parser.feed(raw)
        parser.feed_end()


def changed(raw: bytes, changes: list[Change]) -> bytes:
    for place, removed, inserted in changes:
        at = place % (len(raw) + 1)
        raw = raw[:at] + inserted + raw[at + removed :]
    return raw


@given(
    responses(),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1), st.binary(max_size=3)), min_size=1, max_size=3),
    st.lists(st.integers(0, 1000), max_size=4),
)
def test_whatever_is_changed_in_a_response_both_readings_agree(
    sent: Sent, changes: list[Change], cuts: list[int]
) -> None:
    """If both accept it. llhttp is the stricter one of the two, and neither may crash or misread."""
    raw = changed(sent.raw, changes)
    try:
        found = read(sent.method, blocks(raw, cuts), end=True)
    except MalformedResponse:
        return
    try:
        expected = read_by_h11(sent.method, blocks(raw, cuts), end=True)
    except h11.RemoteProtocolError:
        return
    assert (found.status, found.body) == (expected.status, expected.body)


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_noise_is_malformed(parts: list[bytes]) -> None:
    parser = ResponseParser("GET")
    with pytest.raises(MalformedResponse):  # noqa: PT012 - any of the two
        for part in parts:
            parser.feed(part)
        parser.feed_end()


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"ICE/1.0 200 OK\r\n\r\n",
        b"RTSP/1.0 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 099 Low\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        OK + b"Content-Length: " + b"0" * 5000 + b"4\r\n\r\nokay",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nok",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        OK + b"Content-Length: 2, 3\r\n\r\nok",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"A: \x00\r\n\r\n",
        CHUNKED + b"z\r\n",
        CHUNKED + b"2\r\nokay\r\n",
        CHUNKED + b"2\nok\n0\n\n",
        CHUNKED + b"ffffffffffffffffff\r\n",
        CHUNKED + b"0\r\nA b: c\r\n\r\n",
    ],
)
def test_a_violation_is_noticed_at_once(raw: bytes) -> None:
    with pytest.raises(MalformedResponse):
        ResponseParser("GET").feed(raw)


@pytest.mark.parametrize("again", [b"Content-Length: 2\r\nCONTENT-LENGTH:2 \r\n", b"Content-Length: 2 , 2\r\n"])
def test_a_length_that_is_repeated_is_accepted(again: bytes) -> None:
    found = read("GET", iter([OK + b"A: b\r\n" + again + b"C: d\r\n\r\nok"]), end=False)
    assert found.body == b"ok"
    assert dict(found.headers) == {b"A": b"b", b"C": b"d", b"Content-Length": b"2"}


@pytest.mark.parametrize(
    ("raw", "reusable"),
    [
        (OK + b"Content-Length: 2\r\n\r\nok", True),
        (OK + b"Content-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (OK + b"Connection: foo, Close\r\nContent-Length: 2\r\n\r\nok", False),
        (OK + b"Content-Length: 2\r\n\r\nokay", False),
        (OK + b"Content-Length: 2\r\n\r\nok" + OK + b"Content-Length: 0\r\n\r\n", False),
        (OK + b"Content-Length: 0\r\n\r\nmore", False),
        (b"HTTP/1.1 204 No Content\r\n\r\nmore", False),
    ],
)
def test_a_connection_is_reusable_if_the_host_keeps_it_and_sent_no_more_than_declared(
    raw: bytes, reusable: bool
) -> None:
    assert read("GET", iter([raw]), end=False).reusable is reusable
    assert read("GET", blocks(raw, range(len(raw))), end=False).reusable is reusable


@pytest.mark.parametrize("name", ODD_RESPONSES)
def test_a_response_that_browsers_accept_is_accepted_and_one_of_doubtful_meaning_is_not(name: str) -> None:
    odd, body = ODD_RESPONSES[name], bytes(range(256)) * 20
    raw = odd.build(body)
    for cuts in ([], [1, 5, 17, 18, 19, 40, 99, 1234], range(len(raw)) if len(raw) < 10_000 else [7]):
        try:
            found = read("GET", blocks(raw, cuts), end=True)
        except MalformedResponse:
            assert not odd.accepted
        else:
            assert odd.accepted
            assert (found.status, found.body) == (200, body)


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"A b: c\r\nContent-Length: 2\r\n\r\nok",
        OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        OK + b"Content-Length: 2\n\nok",
        OK + b"Transfer-Encoding: identity, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
def test_after_a_repaired_head_the_connection_has_no_other_request(raw: bytes) -> None:
    """Whatever the host means by an odd head, it cannot make a part of this response pass for the next one."""
    assert not read("GET", iter([raw]), end=False).reusable


def test_the_body_before_a_violation_can_be_read() -> None:
    parser = ResponseParser("GET")
    with pytest.raises(MalformedResponse):
        parser.feed(CHUNKED + b"2\r\nok\r\nzz\r\n")
    assert parser.buffered == 2
    assert parser.take() == b"ok"


def test_an_odd_interim_response_is_skipped_too() -> None:
    raw = b"http/1.1 103 Hints\nA b: c\n\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok"
    assert read("GET", blocks(raw, range(len(raw))), end=False).body == b"ok"


@given(
    responses(),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 3), odd_bytes), min_size=1, max_size=6),
    st.lists(st.integers(0, 1000), max_size=8),
)
def test_any_bytes_are_read_in_the_same_way_however_they_are_cut(
    sent: Sent, changes: list[Change], cuts: list[int]
) -> None:
    """A response, or MalformedResponse and never another exception."""
    raw = changed(sent.raw, changes)
    whole, cut = (outcome(sent.method, blocks(raw, places)) for places in ([], cuts))
    assert (whole and (whole.status, whole.headers, whole.body)) == (cut and (cut.status, cut.headers, cut.body))


def outcome(method: str, parts: Iterator[bytes]) -> Read | None:
    try:
        return read(method, parts, end=True)
    except MalformedResponse:
        return None


def test_a_response_without_length_ends_with_the_connection() -> None:
    found = read("GET", iter([OK + b"\r\no", b"k"]), end=True)
    assert (found.body, found.reusable) == (b"ok", False)
    with pytest.raises(AssertionError):  # not complete
        read("GET", iter([OK + b"\r\nok"]), end=False)


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_interim_responses_are_limited(flood: bytes) -> None:
    assert fed_until_malformed(flood) <= BLOCK


@pytest.mark.parametrize(
    ("start", "flood"), [(OK, b"A: b\r\n"), (OK, b"A: b\r\n" * 10 + b"B: " + b"c" * 500 + b"\r\n"), (OK + b"A: ", b"b")]
)
def test_the_head_is_limited(start: bytes, flood: bytes) -> None:
    assert fed_until_malformed(flood, start) <= MAX_HEAD_BYTES + BLOCK
    with pytest.raises(MalformedResponse, match="longer than 65,536 bytes or 256 lines"):
        ResponseParser("GET").feed(start + flood * (2 * MAX_HEAD_BYTES // len(flood)) + b"\r\n\r\n")


def test_a_head_within_the_limits_is_accepted() -> None:
    headers = b"".join(b"Header-%d: %b\r\n" % (number, b"x" * 200) for number in range(MAX_HEAD_LINES - 3))
    assert read("GET", iter([OK + headers + b"Content-Length: 0\r\n\r\n"]), end=False).status == 200


@pytest.mark.parametrize(
    "flood", [b"1\r\nx\r\n", b"1;" + b"e" * 1000 + b"\r\nx\r\n", b"2\r\nxx\r\n", b"00000000001\r\nx\r\n"]
)
def test_chunks_of_few_bytes_are_limited(flood: bytes) -> None:
    assert fed_until_malformed(flood, CHUNKED) <= 2 * BLOCK


def test_trailers_and_the_extensions_of_a_chunk_are_limited() -> None:
    assert fed_until_malformed(b"A: b\r\n", CHUNKED + b"0\r\n") <= 2 * BLOCK
    assert fed_until_malformed(b"x", CHUNKED + b"1;") <= 2 * BLOCK


@given(st.integers(64, 2000), st.integers(1, 400))
def test_chunks_of_64_bytes_and_more_are_no_flood(size: int, count: int) -> None:
    raw = CHUNKED + (b"%x\r\n%b\r\n" % (size, b"x" * size)) * count + b"0\r\n\r\n"
    found = read("GET", (raw[at : at + BLOCK] for at in range(0, len(raw), BLOCK)), end=False)
    assert len(found.body) == size * count


def test_a_small_body_may_have_any_chunks() -> None:
    count = FREE_FRAMING_BYTES // 5 - 10
    assert len(read("GET", iter([CHUNKED + b"1\r\nx\r\n" * count + b"0\r\n\r\n"]), end=False).body) == count


def fed_until_malformed(flood: bytes, start: bytes = b"") -> int:
    """How many bytes of an endless flood are accepted."""
    parser, fed = ResponseParser("GET"), 0
    block = flood * (BLOCK // len(flood))
    try:
        parser.feed(start)
        while fed < 100 * BLOCK:
            parser.feed(block)
            fed += len(block)
    except MalformedResponse:
        return fed
    return fed
