"""Heads are rewritten as browsers understand them."""

import pytest

from shared.outbound.head_repair import begins_like_http, repaired_head
from shared.outbound.malformed import MalformedResponse, NoResponse

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "repaired"),
    [
        (b"http/1.0 404 gone\nA : b \n\n", b"HTTP/1.0 404 gone\r\nA: b\r\n\r\n"),
        (b"\xef\xbb\xbfHTTP/3\r\n\r\n", b"HTTP/1.1 200 \r\n\r\n"),
        (OK + b"A: b\r\n\t c \r\nB c: d\r\n e\r\nD\r\n\r\n", OK + b"A: b c\r\n\r\n"),
        (OK + b"A: b\x01c\x7f\xe9\r\n\r\n", OK + b"A: b c \xe9\r\n\r\n"),
        (OK + b"Content-Length: 5, 5\r\nCONTENT-LENGTH :5\r\nA:b\r\n\r\n", OK + b"A: b\r\nContent-Length: 5\r\n\r\n"),
        (OK + b"Content-Length: five\r\n\r\n", OK + b"\r\n"),
        (OK + b"Transfer-Encoding: Chunked, identity\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    ],
)
def test_a_head_is_rewritten_in_the_strict_form(head: bytes, repaired: bytes) -> None:
    assert repaired_head(head) == repaired
    assert repaired_head(repaired) == repaired


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (b"A: b\0\r\n", "a NUL"),
        (b"A: b\rContent-Length: 5\r\n", "a carriage return"),
        (b"Content-Length: 5\r\n 6\r\n", "a folded Content-Length"),
        (b"Transfer-Encoding:\r\n\tchunked\r\n", "a folded Transfer-Encoding"),
        (b"Content-Length: 5\r\nContent-Length: 05\r\n", "more than one Content-Length"),
        (b"Content-Length: five\r\nTransfer-Encoding: chunked\r\n", "beside Transfer-Encoding"),
        (b"Transfer-Encoding: chunked, gzip\r\n", "unsupported Transfer-Encoding"),
    ],
)
def test_what_makes_the_end_of_a_response_doubtful_is_refused(lines: bytes, message: str) -> None:
    with pytest.raises(MalformedResponse, match=message):
        repaired_head(OK + lines + b"\r\n")


@pytest.mark.parametrize("start", [b"SSH-2.0-OpenSSH", b"220 mail.example ESMTP", b"abcdeHTTP/1.1 200 OK", b"\0" * 8])
def test_what_is_no_http_is_no_response(start: bytes) -> None:
    assert not begins_like_http(start)
    with pytest.raises(NoResponse):
        repaired_head(start + b"\r\n\r\n")


def test_what_can_still_become_http_is_waited_for() -> None:
    for size in range(len(OK)):
        assert begins_like_http(OK[:size])
        assert begins_like_http((b"abcd" + OK)[:size])
    assert begins_like_http(b"SSH-2.0")
    assert not begins_like_http(b"SSH-2.0-")
