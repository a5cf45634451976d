"""Splits text that arrives in pieces into lines. Pure, streaming; memory is bounded by one row."""

import io
from collections.abc import Iterable, Iterator
from typing import Literal


class Unreadable(Exception):
    """Reading stops here; the rest of the text was not checked.

    place: what is wrong: the whole file, the current row, or the line after the last one returned.
    text: what the file has there.
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
    """The lines of a text with their line ends; CRLF, LF and CR all end a line.

    `row_lines` collects the lines returned; the reader clears it at the end of each row. Raises Unreadable for a row of
    more than `row_chars` characters.
    """

    def __init__(self, pieces: Iterable[str], row_chars: int) -> None:
        self.row_lines: list[str] = []
        self._row_chars = row_chars
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        row_lines, row_chars, chars = self.row_lines, self._row_chars, 0
        for block in self._whole_lines():
            # Not splitlines(), which also splits at form feeds and Unicode separators.
            for line in io.StringIO(block, newline=""):
                chars = chars + len(line) if row_lines else len(line)
                row_lines.append(line)
                if chars > row_chars:
                    raise self._row_too_long()
                yield line

    def _whole_lines(self) -> Iterator[str]:
        """The text in blocks that end at a line end."""
        tail = ""
        for text in self._pieces:
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
            "Check that each row ends with a line break and that each opening quote has a closing one.",
        )


def count_lines(text: str) -> int:
    """How many line ends a text has; CRLF is one."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def peek(pieces: Iterable[str], chars: int) -> tuple[str, Iterator[str]]:
    """The first `chars` characters of a text or a few more, and all its pieces from the beginning."""
    rest, seen, count = iter(pieces), list[str](), 0
    fault: Unreadable | None = None
    try:
        while count < chars:
            seen.append(next(rest))
            count += len(seen[-1])
    except StopIteration:
        pass
    except Unreadable as error:  # raised again where the reader reaches it
        fault = error
    head = "".join(seen)
    return head, _from_head(head, rest, fault)


def _from_head(head: str, rest: Iterator[str], fault: Unreadable | None) -> Iterator[str]:
    yield head
    if fault:
        raise fault
    yield from rest
