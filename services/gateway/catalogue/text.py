"""Text in pieces as lines. Pure, streaming, and in memory bounded by one row."""

import io
from collections.abc import Iterable, Iterator
from typing import Literal


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
    """The lines of a text, with their own line ends, whichever of CRLF, LF and CR these are.

    `held` collects the lines that were given; whoever reads empties it at the end of each row. A row of more than
    `row_chars` characters raises Unreadable.
    """

    def __init__(self, pieces: Iterable[str], row_chars: int) -> None:
        self.held: list[str] = []
        self._row_chars = row_chars
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        held, row_chars, held_chars = self.held, self._row_chars, 0
        for block in self._whole_lines():
            # Not splitlines(): that one also splits at form feeds and Unicode's own separators.
            for line in io.StringIO(block, newline=""):
                held_chars = held_chars + len(line) if held else len(line)
                held.append(line)
                if held_chars > row_chars:
                    raise self._row_too_long()
                yield line

    def _whole_lines(self) -> Iterator[str]:
        """The text in blocks that end at a line's end."""
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
            "Check that its rows end with line breaks and that every opening quote has a closing one.",
        )


def peek(pieces: Iterable[str], chars: int) -> tuple[str, Iterator[str]]:
    """The beginning of a text, of `chars` characters or somewhat more, and the pieces from the beginning on."""
    rest, seen, count = iter(pieces), list[str](), 0
    fault: Unreadable | None = None
    try:
        while count < chars:
            seen.append(next(rest))
            count += len(seen[-1])
    except StopIteration:
        pass
    except Unreadable as error:  # told when the text is read up to there
        fault = error
    head = "".join(seen)
    return head, _from_head(head, rest, fault)


def _from_head(head: str, rest: Iterator[str], fault: Unreadable | None) -> Iterator[str]:
    yield head
    if fault:
        raise fault
    yield from rest
