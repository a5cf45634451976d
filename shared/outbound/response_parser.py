"""Parses one HTTP/1.1 response from the blocks that a connection receives. Pure.

llhttp, the parser of Node.js, does the parsing; httptools makes it callable. It is strict by default. Here is what it
leaves to its users: limits, and when a response that has no length is complete. The head is collected before it is
parsed, because only then its size is known before it costs anything. A head that llhttp refuses is repaired if browsers
accept it, and parsed again.
"""

import re
from dataclasses import dataclass
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from shared.outbound.head_repair import begins_like_http, repaired_head
from shared.outbound.malformed import BodyCutOff, MalformedResponse, NoResponse

MAX_HEAD_BYTES = 64 * 1024
MAX_HEAD_LINES = 256
"""The limits for the head of a response, with those of all interim (1xx) responses before it."""

FREE_FRAMING_BYTES = 16 * 1024
PAYLOAD_PER_FRAMING = 8
"""A chunked body may have this many bytes besides its payload, and a further one for each eight bytes of payload. A
host that sends each kilobyte in a chunk of its own uses less than a tenth of that."""

_LENGTH_DIGITS = 20  # llhttp takes any number of leading zeros, and Python converts no more than 4300 digits
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_BLANK_LINES = re.compile(rb"[\r\n]*")
_BEGIN_OF_HTTP = (b"HTTP/1.1 ", b"HTTP/1.0 ")  # llhttp accepts other protocols and versions too
_WITHOUT_BODY = frozenset({204, 304})


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
        self._ends_with_connection = self._repaired = False
        self._payload = self._framing = 0

    def feed(self, block: bytes | memoryview) -> None:
        """The next bytes of the connection. Raises MalformedResponse; then only `take` can be used."""
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
            raise NoResponse("the host closed the connection without a response")
        if self.head is None:
            raise NoResponse("the host closed the connection before the end of the head")
        if not self._ends_with_connection:
            raise BodyCutOff("the host closed the connection before the end of the response")
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
        begin, search = 0, max(0, len(collected) - 2)
        collected += block
        while self.head is None:
            begin = self._skip_blank_lines(begin)
            end = _END_OF_HEAD.search(collected, max(begin, search))
            if end is None:
                del collected[:begin]
                self._check_unfinished_head()
                return
            self._take_head(bytes(collected[begin : end.end()]))
            begin = search = end.end()
        self._collected = bytearray()
        if begin < len(collected):
            if self.complete:
                self.reusable = False
            else:
                self._feed_body(memoryview(collected)[begin:])

    def _skip_blank_lines(self, begin: int) -> int:
        """Where the next head begins: some hosts send blank lines before it."""
        blank = cast(re.Match[bytes], _BLANK_LINES.match(self._collected, begin))
        self._head_bytes += blank.end() - begin
        return blank.end()

    def _check_unfinished_head(self) -> None:
        if self._head_bytes + len(self._collected) > MAX_HEAD_BYTES:
            raise _too_long()
        if not begins_like_http(self._collected):
            raise NoResponse("not an HTTP response")

    def _take_head(self, head: bytes) -> None:
        self._head_bytes += len(head)
        self._head_lines += head.count(b"\n")
        if self._head_bytes > MAX_HEAD_BYTES or self._head_lines > MAX_HEAD_LINES:
            raise _too_long()
        status = self._strictly_parsed(head)
        if status is None:
            self._repaired = True
            status = self._parse_head(repaired_head(head))
        if status < 100 or status == 101:
            raise MalformedResponse(f"unexpected status {status}")
        if status >= 200:
            self._begin_body(status)
        else:
            self.complete = False  # it was only an interim response

    def _strictly_parsed(self, head: bytes) -> int | None:
        """The status; None if the head needs repair."""
        if not head.startswith(_BEGIN_OF_HTTP):
            return None
        try:
            return self._parse_head(head)
        except MalformedResponse:
            return None

    def _parse_head(self, head: bytes) -> int:
        self._reason, self._headers = b"", []
        self.complete = self.reusable = False
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)  # IIS 6 sends them
        try:
            self._parser.feed_data(head)
        except HttpParserUpgrade:
            return 101
        except HttpParserError as error:
            raise MalformedResponse(str(error)) from error
        codings = [value for name, value in self._headers if name.lower() == b"transfer-encoding"]
        if codings and [each.lower() for each in codings] != [b"chunked"]:
            raise MalformedResponse("unsupported Transfer-Encoding")
        return self._parser.get_status_code()

    def _begin_body(self, status: int) -> None:
        names = {name.lower(): value for name, value in self._headers}
        if len(names.get(b"content-length", b"")) > _LENGTH_DIGITS:
            raise MalformedResponse("a Content-Length with too many digits")
        self._ends_with_connection = b"transfer-encoding" not in names and b"content-length" not in names
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
        finally:  # what was received before a violation can be taken
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
        self.reusable = self._parser.should_keep_alive() and not self._repaired

    def on_message_complete(self) -> None:
        self.complete = True


def _too_long() -> MalformedResponse:
    return MalformedResponse(
        f"the head of the response is longer than {MAX_HEAD_BYTES:,} bytes or {MAX_HEAD_LINES} lines"
    )
