"""Markdown tables that are also readable in a terminal."""

from collections.abc import Sequence
from statistics import fmean


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column aligned left, the figures right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join([_line(head, widths), f"|{rule}|", *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(padded)} |"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def mean(values: Sequence[float], places: int) -> str:
    return f"{fmean(values):.{places}f}" if values else "-"
