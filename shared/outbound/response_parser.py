"""Parses one HTTP/1.1 response from the blocks that a connection receives. Pure.

llhttp, the parser of Node.js, does the parsing; httptools makes it callable. It is strict by default. Here is what it
leaves to its users: limits, and when a response that has no length is complete. The head is collected before it is
parsed, because only then its size is known before it costs anything.
"""

import re
from dataclasses import dataclass
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_HEAD_BYTES = 64 * 1024
MAX_HEAD_LINES = 256
"""The limits for the head of a response, with those of all interim (1xx) responses before it."""

FREE_FRAMING_BYTES = 16 * 1024
PAYLOAD_PER_FRAMING = 8
"""A chunked body may have this many bytes besides its payload, and a further one for each eight bytes of payload. A
host that sends each kilobyte in a chunk of its own uses less than a tenth of that."""

_LENGTH_DIGITS = 20  # llhttp takes any number of leading zeros, and Python converts no more than 4300 digits
_END_OF_HEAD = b"\r\n\r\n"
_WITHOUT_BODY = frozenset({204, 304})
_LENGTH_LINE = re.compile(rb"(?im)^content-length:[ \t]*([0-9]+(?:[ \t]*,[ \t]*[0-9]+)*)[ \t]*\r\n")


class MalformedResponse(Exception):
    """The response violates HTTP/1.1, or exceeds a limit."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of a response, as they were received."""

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]


class ResponseParser:
    """The response to one request.

    head: None until it was received.
    started: whether anything was received.
    complete: whether the whole response was received.
    reusable: whether the connection can have another request after this response.
    buffered: bytes of the body that `take` returns.
    """

    def __init__(self, method: str) -> None:
        self.head: Head | None = None
        self.started = self.complete = self.reusable = False
        self.buffered = 0
        self._method = method
        self._collected = bytearray()
        self._head_bytes = self._head_lines = 0
        self._parser = cast(HttpResponseParser, None)
        self._reason = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self._ends_with_connection = False
        self._payload = self._framing = 0

    def feed(self, block: bytes | memoryview) -> None:
        """The next bytes of the connection. Raises MalformedResponse; then the parser cannot be used any more."""
        self.started = True
        if self.complete:
            self.reusable = False  # more than the host declared
        elif self.head is None:
            self._feed_head(block)
        else:
            self._feed_body(block)

    def feed_end(self) -> None:
        """The host closed the connection. Raises MalformedResponse if the response is not complete."""
        self.reusable = False
        if self.complete:
            return
        if not self.started:
            raise MalformedResponse("the host closed the connection without a response")
        if not self._ends_with_connection:
            raise MalformedResponse("the host closed the connection before the end of the response")
        self.complete = True

    def take(self) -> bytes:
        """The part of the body that was received since the last call."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.buffered = 0
        return data

    def close(self) -> None:
        """Free what it holds. httptools refers back to this object, so it would last until the garbage is collected."""
        self._parser = cast(HttpResponseParser, None)
        self._pieces.clear()

    def _feed_head(self, block: bytes | memoryview) -> None:
        collected = self._collected
        begin, search = 0, max(0, len(collected) - len(_END_OF_HEAD) + 1)
        collected += block
        while self.head is None:
            end = collected.find(_END_OF_HEAD, search)
            if end < 0:
                bare = collected.find(b"\n\n", search)
                del collected[:begin]
                self._check_unfinished_head(is_bare=bare >= 0)
                return
            end += len(_END_OF_HEAD)
            self._take_head(bytes(collected[begin:end]))
            begin = search = end
        self._collected = bytearray()
        if begin < len(collected):
            if self.complete:
                self.reusable = False
            else:
                self._feed_body(memoryview(collected)[begin:])

    def _check_unfinished_head(self, *, is_bare: bool) -> None:
        if self._head_bytes + len(self._collected) > MAX_HEAD_BYTES:
            raise _too_long()
        if is_bare:  # no head will end as it should
            raise MalformedResponse("a line of the head does not end with CR LF")

    def _take_head(self, head: bytes) -> None:
        self._head_bytes += len(head)
        self._head_lines += head.count(b"\r\n")
        if self._head_bytes > MAX_HEAD_BYTES or self._head_lines > MAX_HEAD_LINES:
            raise _too_long()
        if not head.startswith(b"HTTP/1."):  # llhttp accepts other protocols too
            raise MalformedResponse("not an HTTP/1.1 response")
        try:
            status = self._parse_head(head)
        except HttpParserError as error:
            status = self._parse_head_again(head, error)
        if status < 100 or status == 101:
            raise MalformedResponse(f"unexpected status {status}")
        if status >= 200:
            self._begin_body(status)
        else:
            self.complete = False  # it is only an interim response

    def _parse_head(self, head: bytes) -> int:
        self._reason, self._headers = b"", []
        self._parser = HttpResponseParser(self)
        try:
            self._parser.feed_data(head)
        except HttpParserUpgrade:
            return 101
        return self._parser.get_status_code()

    def _parse_head_again(self, head: bytes, error: HttpParserError) -> int:
        """Some hosts send the same Content-Length twice. RFC 9110 (8.6) allows to accept that; llhttp does not."""
        values = {value.strip() for line in _LENGTH_LINE.findall(head) for value in line.split(b",")}
        if len(values) != 1:
            raise MalformedResponse(str(error)) from error
        once = _LENGTH_LINE.sub(b"", head)[:-2] + b"Content-Length: %b\r\n\r\n" % values.pop()
        try:
            return self._parse_head(once)
        except HttpParserError as another:
            raise MalformedResponse(str(another)) from another

    def _begin_body(self, status: int) -> None:
        codings = [value for name, value in self._headers if name.lower() == b"transfer-encoding"]
        if codings and [each.lower() for each in codings] != [b"chunked"]:
            raise MalformedResponse("unsupported Transfer-Encoding")
        lengths = [value for name, value in self._headers if name.lower() == b"content-length"]
        if any(len(value) > _LENGTH_DIGITS for value in lengths):
            raise MalformedResponse("a Content-Length with too many digits")
        self._ends_with_connection = not codings and not lengths
        self.head = Head(status, self._reason, self._headers)
        self.complete = self.complete or status in _WITHOUT_BODY or self._method == "HEAD"

    def _feed_body(self, block: bytes | memoryview) -> None:
        before = len(self._pieces)
        try:
            self._parser.feed_data(block)
        except HttpParserError as error:
            if not self.complete:
                raise MalformedResponse(str(error)) from error
            self.reusable = False  # more than the host declared
        payload = sum(map(len, self._pieces[before:]))
        self.buffered += payload
        self._payload += payload
        self._framing += len(block) - payload
        if self._framing > FREE_FRAMING_BYTES + self._payload // PAYLOAD_PER_FRAMING and not self.complete:
            raise MalformedResponse("the chunks of the body are too small")

    # Called by httptools, which looks for these names.

    def on_message_begin(self) -> None:
        if self.complete:
            raise MalformedResponse("a second response")  # ends feed_data

    def on_status(self, reason: bytes) -> None:
        self._reason = reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head is None:  # otherwise it is a trailer
            self._headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self.reusable = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        self.complete = True


def _too_long() -> MalformedResponse:
    return MalformedResponse(
        f"the head of the response is longer than {MAX_HEAD_BYTES:,} bytes or {MAX_HEAD_LINES} lines"
    )
