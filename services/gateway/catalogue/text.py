"""From an upload's bytes to lines of text. Pure, streaming, and in memory bounded by one row."""

import codecs
import io
from collections.abc import Iterable, Iterator
from typing import Literal

_SAVE_AS = 'Save it from your spreadsheet as "CSV UTF-8 (comma delimited)" and upload that.'
_NOT_TEXT: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook (.xlsx) or another ZIP archive", _SAVE_AS),
    (b"PK\x05\x06", "an empty ZIP archive", _SAVE_AS),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls) or another Office document", _SAVE_AS),
    (b"\x1f\x8b", "gzip-compressed", "Unpack it and upload the CSV file itself."),
    (b"(\xb5/\xfd", "zstd-compressed", "Unpack it and upload the CSV file itself."),
    (b"\xfd7zXZ\0", "xz-compressed", "Unpack it and upload the CSV file itself."),
    (b"\xff\xd8\xff", "a JPEG image", "Upload the CSV file that lists the images' URLs."),
    (b"\x89PNG", "a PNG image", "Upload the CSV file that lists the images' URLs."),
    (b"GIF8", "a GIF image", "Upload the CSV file that lists the images' URLs."),
    (b"RIFF", "a WebP image or another RIFF file", "Upload the CSV file that lists the images' URLs."),
    (b"%PDF-", "a PDF document", "Upload the CSV file that the document was made from."),
    (b"\xff\xfe", "UTF-16 text", _SAVE_AS),
    (b"\xfe\xff", "UTF-16 text", _SAVE_AS),
    (b"\0\0\xfe\xff", "UTF-32 text", _SAVE_AS),
)
_MAGIC_LENGTH = 6
_BOM = "\ufeff"


class Unreadable(Exception):
    """The text cannot be read on; nothing behind this place was looked at.

    place: what is at fault, the file as a whole, the row being read, or the line behind the last one that was given.
    text: what stands there.
    """

    def __init__(
        self, place: Literal["file", "row", "line"], problem: str, advice: str, text: str | None = None
    ) -> None:
        super().__init__(problem)
        self.place = place
        self.problem = problem
        self.advice = advice
        self.text = text


class CatalogueText:
    """The lines of a UTF-8 text, with their own line ends, whichever of CRLF, LF and CR these are.

    `held` collects the lines that were given; whoever reads empties it at the end of each row. A row of more than
    `row_chars` characters, like bytes that are no text, raises Unreadable.
    """

    def __init__(self, chunks: Iterable[bytes], row_chars: int) -> None:
        self.held: list[str] = []
        self._held_chars = 0
        self._row_chars = row_chars
        self._chunks = chunks

    def __iter__(self) -> Iterator[str]:
        for block in self._whole_lines():
            # Not splitlines(): that one also splits at form feeds and Unicode's own separators.
            for line in io.StringIO(block, newline=""):
                self._hold(line)
                yield line

    def _hold(self, line: str) -> None:
        if not self.held:
            self._held_chars = 0
        self.held.append(line)
        self._held_chars += len(line)
        if self._held_chars > self._row_chars:
            raise self._row_too_long()

    def _whole_lines(self) -> Iterator[str]:
        """The text in blocks that end at a line's end."""
        tail = ""
        for text in _without_bom(_decode(_sniffed(self._chunks))):
            block = tail + text
            # A CR at the very end may be the first half of a CRLF.
            end = max(block.rfind("\n"), block.rfind("\r", 0, -1)) + 1
            tail = block[end:]
            if end:
                yield block[:end]
            if len(tail) > self._row_chars:
                raise self._row_too_long()
        if tail:
            yield tail

    def _row_too_long(self) -> Unreadable:
        return Unreadable(
            "row",
            f"a row of more than {self._row_chars:,} characters",
            "Check that its rows end with line breaks and that every opening quote has a closing one.",
        )


def _sniffed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, unless they begin like something that is no UTF-8 text."""
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= _MAGIC_LENGTH:
            break
    for magic, kind, advice in _NOT_TEXT:
        if head.startswith(magic):
            raise Unreadable("file", f"the file is not CSV text: it looks like {kind}", advice)
    yield head
    yield from rest


def _decode(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    read = 0
    for chunk in chunks:
        start = read - len(decoder.getstate()[0])  # where the bytes begin that are decoded now
        nul = chunk.find(b"\0")
        try:
            text = decoder.decode(chunk if nul < 0 else chunk[:nul])
        except UnicodeDecodeError as error:
            yield error.object[: error.start].decode()
            raise _not_utf8(error, start) from None
        yield text
        if nul >= 0:
            raise Unreadable("line", f"the file is not CSV text: byte {read + nul:,} is zero", _SAVE_AS)
        read += len(chunk)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _not_utf8(error, read - len(error.object)) from None


def _not_utf8(error: UnicodeDecodeError, start: int) -> Unreadable:
    before = error.object[max(error.start - 30, 0) : error.start].decode(errors="replace")
    after = error.object[error.start : error.start + 30].decode(errors="replace")
    return Unreadable(
        "line",
        f"the file is not UTF-8 text: byte {start + error.start:,} is 0x{error.object[error.start]:02X}",
        f"It may be in an older encoding such as Windows-1252. {_SAVE_AS}",
        before.rpartition("\n")[2] + after.partition("\n")[0],
    )


def _without_bom(texts: Iterable[str]) -> Iterator[str]:
    rest = iter(texts)
    for text in rest:
        if text:
            yield text.removeprefix(_BOM)
            break
    yield from rest
