"""Markdown tables."""

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in GitHub's Markdown. Cells are Markdown; a `|` in one is escaped."""
    lines = [_line(headings), "|" + "---|" * len(headings), *map(_line, rows)]
    return "".join(f"{line}\n" for line in lines)


def code(text: object) -> str:
    """The text in backticks; nothing for an empty one."""
    return f"`{text}`" if str(text) else ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
