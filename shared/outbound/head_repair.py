"""Rewrites the head of a response that violates RFC 9112 into the strict form, where browsers accept it. Pure.

The rules are those of Chromium (HttpUtil::AssembleRawHeaders, HttpResponseHeaders); `tests/browser` compares. Three
are stricter, because a mistake there could make the end of a response doubtful: a CR that ends no line, a folded line
of a header that frames the body, and a length beside `Transfer-Encoding: chunked` are refused.
"""

import re
from collections.abc import Sequence

from shared.outbound.malformed import MalformedResponse, NoResponse

_MAX_LEADING_BYTES = 4  # the rest of an earlier body, or a byte order mark; Chromium skips as many
_ENOUGH_TO_JUDGE = _MAX_LEADING_BYTES + len(b"http")
_HTTP = re.compile(rb"(?is).{0,%d}?(http)" % _MAX_LEADING_BYTES)
_STATUS_LINE = re.compile(
    rb"(?is)https?(?:/(?P<major>[0-9]{1,9})(?:\.(?P<minor>[0-9]{1,9}))?)?"
    rb"(?:[ \t]+(?:(?P<status>[0-9]+)[ \t]*)?(?P<reason>.*))?"
)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BLANKS = b" \t"
_LENGTH, _CODING, _CHUNKED = b"content-length", b"transfer-encoding", b"chunked"
_FRAMING = frozenset({_LENGTH, _CODING})
_IGNORED_CODINGS = frozenset({b"", b"identity"})


def begins_like_http(start: bytes | bytearray) -> bool:
    """Whether a response that begins with `start` can be HTTP, as far as so many bytes show."""
    return len(start) < _ENOUGH_TO_JUDGE or _HTTP.match(start) is not None


def repaired_head(head: bytes) -> bytes:
    """`head` as browsers understand it, in the form that the strict parser accepts. Raises MalformedResponse.

    Lines that are no header are dropped, folded lines joined, line ends completed, and the headers that frame the body
    are written once. A connection should have no other request after such a response.
    """
    found = _HTTP.match(head)
    if found is None:
        raise NoResponse("not an HTTP response")
    status_line, *rest = _lines(head[found.start(1) :])
    ordinary: list[tuple[bytes, bytes]] = []
    framing: list[tuple[bytes, bytes]] = []
    for name, value in _headers(rest):
        (framing if name.lower() in _FRAMING else ordinary).append((name, value))
    lines = [b"%b: %b" % (name, _CONTROL.sub(b" ", value)) for name, value in ordinary]
    return b"\r\n".join([_status_line(status_line), *lines, *_framing_lines(framing), b"", b""])


def _lines(head: bytes) -> list[bytes]:
    if b"\0" in head:
        raise MalformedResponse("a NUL in the head")
    lines = [line.removesuffix(b"\r") for line in head.split(b"\n")]
    if any(b"\r" in line for line in lines):
        raise MalformedResponse("a carriage return within a line of the head")
    return lines


def _status_line(line: bytes) -> bytes:
    parts = _STATUS_LINE.fullmatch(line)
    if parts is None:
        raise NoResponse("not an HTTP response")
    status = parts["status"] or b"200"  # so do browsers
    if len(status) != 3:
        raise MalformedResponse("a status that is not three digits")
    version = (int(parts["major"] or 0), int(parts["minor"] or 0))
    reason = _CONTROL.sub(b" ", parts["reason"] or b"")
    return b"HTTP/1.%d %b %b" % (version >= (1, 1), status, reason)


def _headers(lines: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """The lines that are headers. A line that begins with a blank continues the one before, or goes with it."""
    headers: list[tuple[bytes, bytes]] = []
    continues = False
    for line in lines:
        if line[:1] in {b" ", b"\t"}:
            if continues:
                name, value = headers[-1]
                if name.lower() in _FRAMING:
                    raise MalformedResponse(f"a folded {name.decode()}")
                headers[-1] = (name, b"%b %b" % (value, line.strip(_BLANKS)))
            continue
        name, colon, value = line.partition(b":")
        name = name.rstrip(_BLANKS)
        continues = bool(colon) and _TOKEN.fullmatch(name) is not None
        if continues:
            headers.append((name, value.strip(_BLANKS)))
    return headers


def _framing_lines(headers: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """The length or the transfer coding, written as RFC 9112 demands; nothing if the connection's end is the body's."""
    lengths = _elements(headers, _LENGTH)
    codings = _elements(headers, _CODING, lower=True)
    unknown = codings - _IGNORED_CODINGS - {_CHUNKED}
    if unknown:
        raise MalformedResponse("unsupported Transfer-Encoding")
    if len(lengths) > 1:
        raise MalformedResponse("more than one Content-Length")
    if _CHUNKED in codings:
        if lengths:
            raise MalformedResponse("a Content-Length beside Transfer-Encoding: chunked")
        return [b"Transfer-Encoding: chunked"]
    # Browsers ignore a length that is no number.
    return [b"Content-Length: %b" % length for length in lengths if length.isdigit()]


def _elements(headers: Sequence[tuple[bytes, bytes]], wanted: bytes, *, lower: bool = False) -> set[bytes]:
    values = [value.lower() if lower else value for name, value in headers if name.lower() == wanted]
    return {element.strip(_BLANKS) for value in values for element in value.split(b",")}
