"""Responses that violate HTTP/1.1, as real hosts send them: which ones Imagemill reads, and which a browser shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
Build = Callable[[bytes], bytes]


@dataclass(frozen=True)
class OddResponse:
    """A response with a given body, after which the host closes the connection.

    accepted: whether the body is read as the host means it.
    shown: whether Chromium shows the image; the same unless given.
    """

    build: Build
    accepted: bool = True
    shown: bool | None = None

    @property
    def shown_by_browsers(self) -> bool:
        return self.accepted if self.shown is None else self.shown


def _length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n" % len(body)


def _line(line: bytes) -> Build:
    """With this line among the headers."""
    return lambda body: OK + line + _length(body) + b"\r\n" + body


def _start(start: bytes) -> Build:
    """With this instead of the status line."""
    return lambda body: start + _length(body) + b"\r\n" + body


def _framed(lines: bytes) -> Build:
    """With these lines instead of the length."""
    return lambda body: OK + lines + b"\r\n" + body


def _number(text: bytes) -> Build:
    """With this length, in which N is the true one."""
    return lambda body: OK + b"Content-Length: " + text.replace(b"N", b"%d" % len(body)) + b"\r\n\r\n" + body


def _coded(lines: bytes) -> Build:
    """In chunks, with these lines instead of "Transfer-Encoding: chunked"."""
    return lambda body: OK + lines + b"\r\n" + _chunked(body)


def _in_chunks(*ends: bytes, **named: bytes) -> Build:
    return lambda body: _CHUNKED + _chunked(body, *ends, **named)


def _chunked(body: bytes, end: bytes = b"0\r\n\r\n", after_size: bytes = b"\r\n", after_data: bytes = b"\r\n") -> bytes:
    """`body` in chunks of 1000 bytes."""
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    return b"".join(b"%x%b%b%b" % (len(piece), after_size, piece, after_data) for piece in pieces) + end


def _bare(body: bytes) -> bytes:
    return (OK + _length(body)).replace(b"\r\n", b"\n") + b"\n" + body


REFUSED_THOUGH_SHOWN = {"accepted": False, "shown": True}
READ_THOUGH_NOT_SHOWN = {"accepted": True, "shown": False}

ODD_RESPONSES: Mapping[str, OddResponse] = {
    # Lines that are no headers.
    "a blank in a name": OddResponse(_line(b"A b: c\r\n")),
    "a slash in a name": OddResponse(_line(b"a/b: c\r\n")),
    "a quoted name": OddResponse(_line(b'"a": c\r\n')),
    "a name that is not ASCII": OddResponse(_line("naïve: b\r\n".encode())),
    "no colon": OddResponse(_line(b"Powered by cats\r\n")),
    "no name": OddResponse(_line(b": b\r\n")),
    "a blank before the colon": OddResponse(_line(b"X-A : b\r\n")),
    "a page's text in the head": OddResponse(_line(b"<b>Warning</b>: mysql_connect() in <b>/a.php</b> on line 3\r\n")),
    "a folded line": OddResponse(_line(b"A: b\r\n c\r\n")),
    "a folded line of no header": OddResponse(_line(b"abc\r\n\tContent-Length: 5\r\n")),
    "a first line that is folded": OddResponse(_line(b" A: b\r\n")),
    # Values.
    "a value in Latin-1": OddResponse(_line("X: déjà vu\r\n".encode("latin-1"))),
    "a value in UTF-8": OddResponse(_line("X: café\r\n".encode())),
    "a control character": OddResponse(_line(b"X: a\x01b\x7f\r\n")),
    "a NUL": OddResponse(_line(b"X: a\0b\r\n"), accepted=False),
    "a NUL in a name": OddResponse(_line(b"X\0: b\r\n"), accepted=False),
    "a carriage return": OddResponse(_line(b"X: a\rb\r\n"), **REFUSED_THOUGH_SHOWN),
    "two carriage returns": OddResponse(_line(b"X: a\r\r\n"), **REFUSED_THOUGH_SHOWN),
    "a long line": OddResponse(_line(b"X: " + b"a" * 60_000 + b"\r\n")),
    "a line beyond the limit": OddResponse(_line(b"X: " + b"a" * 70_000 + b"\r\n"), **REFUSED_THOUGH_SHOWN),
    "lines beyond the limit": OddResponse(_line(b"X: a\r\n" * 300), **REFUSED_THOUGH_SHOWN),
    # The beginning, and ends of lines.
    "a blank line first": OddResponse(_start(b"\r\n" + OK)),
    "blank lines first": OddResponse(_start(b"\r\n\r\n\r\n" + OK), **READ_THOUGH_NOT_SHOWN),
    "a byte order mark": OddResponse(_start(b"\xef\xbb\xbf" + OK)),
    "five other bytes first": OddResponse(_start(b"abcde" + OK), accepted=False),
    "no head": OddResponse(lambda body: body, accepted=False),
    "bare line feeds": OddResponse(_bare),
    "a bare line feed": OddResponse(_line(b"A: b\n")),
    "only carriage returns": OddResponse(lambda body: _bare(body).replace(b"\n", b"\r"), accepted=False),
    # The status line.
    "no reason": OddResponse(_start(b"HTTP/1.1 200\r\n")),
    "an empty reason": OddResponse(_start(b"HTTP/1.1 200 \r\n")),
    "a reason in Latin-1": OddResponse(_start("HTTP/1.1 200 Très bien\r\n".encode("latin-1"))),
    "no status": OddResponse(_start(b"HTTP/1.1\r\n")),
    "only a reason": OddResponse(_start(b"HTTP/1.1 OK\r\n")),
    "two blanks": OddResponse(_start(b"HTTP/1.1  200 OK\r\n")),
    "a tab": OddResponse(_start(b"HTTP/1.1\t200 OK\r\n")),
    "no blank after the status": OddResponse(_start(b"HTTP/1.1 200OK\r\n")),
    "a status of two digits": OddResponse(_start(b"HTTP/1.1 20 OK\r\n"), **REFUSED_THOUGH_SHOWN),
    "a status of four digits": OddResponse(_start(b"HTTP/1.1 2000 OK\r\n"), **REFUSED_THOUGH_SHOWN),
    "a status below 100": OddResponse(_start(b"HTTP/1.1 099 Low\r\n"), **REFUSED_THOUGH_SHOWN),
    "small letters": OddResponse(_start(b"http/1.1 200 ok\r\n")),
    "HTTP/1.0": OddResponse(_start(b"HTTP/1.0 200 OK\r\n")),
    "HTTP/0.9": OddResponse(_start(b"HTTP/0.9 200 OK\r\n")),
    "HTTP/1.2": OddResponse(_start(b"HTTP/1.2 200 OK\r\n")),
    "HTTP/2.0": OddResponse(_start(b"HTTP/2.0 200 OK\r\n")),
    "HTTP/2": OddResponse(_start(b"HTTP/2 200\r\n")),
    "no version": OddResponse(_start(b"HTTP 200 OK\r\n")),
    "HTTPS/1.1": OddResponse(_start(b"HTTPS/1.1 200 OK\r\n")),
    "ICY": OddResponse(_start(b"ICY 200 OK\r\n"), accepted=False),
    "RTSP": OddResponse(_start(b"RTSP/1.0 200 OK\r\n"), accepted=False),
    # The length.
    "the length twice": OddResponse(_number(b"N\r\nContent-Length: N")),
    "the length twice in a line": OddResponse(_number(b"N, N")),
    "two lengths": OddResponse(_number(b"N\r\nContent-Length: 10"), accepted=False),
    "two lengths in a line": OddResponse(_number(b"N, 10"), accepted=False),
    "a length and a word": OddResponse(_number(b"N\r\nContent-Length: unknown"), accepted=False),
    "a word as length": OddResponse(_number(b"unknown")),
    "a length with a unit": OddResponse(_number(b"10 bytes")),
    "a length with a fraction": OddResponse(_number(b"10.5")),
    "a quoted length": OddResponse(_number(b'"10"')),
    "a negative length": OddResponse(_number(b"-1")),
    "a length with a sign": OddResponse(_number(b"+10")),
    "an empty length": OddResponse(_number(b"")),
    "a length of 40 digits": OddResponse(_number(b"9" * 40), **REFUSED_THOUGH_SHOWN),
    "a folded length": OddResponse(_number(b"\r\n N"), **REFUSED_THOUGH_SHOWN),
    "a blank before the colon of the length": OddResponse(
        lambda body: OK + b"Content-Length : %d\r\n\r\n" % len(body) + body
    ),
    "a length and chunks": OddResponse(
        _coded(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), **REFUSED_THOUGH_SHOWN
    ),
    # The transfer coding.
    "identity": OddResponse(_framed(b"Transfer-Encoding: identity\r\n")),
    "identity with a length": OddResponse(_line(b"Transfer-Encoding: identity\r\n")),
    "an empty transfer coding": OddResponse(_framed(b"Transfer-Encoding:\r\n")),
    "identity and chunks": OddResponse(_coded(b"Transfer-Encoding: identity, chunked\r\n")),
    "chunks announced twice": OddResponse(_coded(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked\r\n")),
    "chunks with a blank before the colon": OddResponse(_coded(b"Transfer-Encoding : chunked\r\n")),
    "chunks announced in a folded line": OddResponse(
        _coded(b"Transfer-Encoding:\r\n chunked\r\n"), **REFUSED_THOUGH_SHOWN
    ),
    "an unknown transfer coding": OddResponse(_framed(b"Transfer-Encoding: foo\r\n"), **REFUSED_THOUGH_SHOWN),
    "compressed chunks": OddResponse(_coded(b"Transfer-Encoding: gzip, chunked\r\n"), **REFUSED_THOUGH_SHOWN),
    "blanks after the size of a chunk": OddResponse(_in_chunks(after_size=b"  \r\n")),
    "line feeds around chunks": OddResponse(_in_chunks(b"0\n\n", b"\n", b"\n"), **REFUSED_THOUGH_SHOWN),
    "nothing after the data of a chunk": OddResponse(_in_chunks(after_data=b""), accepted=False),
    "no size of a chunk": OddResponse(lambda body: _CHUNKED + body, accepted=False),
    "an odd line after the last chunk": OddResponse(_in_chunks(b"0\r\nA b: c\r\n\r\n"), **REFUSED_THOUGH_SHOWN),
    "chunks by HTTP/1.0": OddResponse(
        lambda body: b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _chunked(body), **READ_THOUGH_NOT_SHOWN
    ),
    # The end.
    "more than the length": OddResponse(lambda body: OK + _length(body) + b"\r\n" + body + b"more"),
    "less than the length": OddResponse(lambda body: OK + _length(body + b"12345") + b"\r\n" + body, accepted=False),
    "no last chunk": OddResponse(_in_chunks(b""), accepted=False),
    "an unfinished last chunk": OddResponse(_in_chunks(b"0\r\n"), accepted=False),
}
