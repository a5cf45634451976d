"""A CSV record as text: finds its cells, and replaces one without changing the rest. Pure.

Records follow the rules of the csv module with `skipinitialspace` and `strict`: spaces before a cell are ignored, and a
quote opens a cell only at its start.
"""

import re
from collections.abc import Iterable
from functools import cache

_LINE_END = re.compile(r"(?:\r\n|\r|\n)?\Z")


def split_record(record: str, delimiter: str) -> tuple[list[str], str]:
    """The raw cells of a well-formed record, with their quotes, and its line end ("" if it has none).

    The cells joined by the delimiter, plus the line end, are the record.
    """
    line_end = _LINE_END.search(record)
    end = line_end.start() if line_end else len(record)
    cell, cells, position = _cell(delimiter), list[str](), 0
    while True:
        match = cell.match(record, position, end)
        stop = match.end() if match else position
        cells.append(record[position:stop])
        if stop >= end:
            return cells, record[end:]
        position = stop + 1


def split_around(record: str, delimiter: str, indexes: tuple[int, ...]) -> list[str]:
    """The raw cells with these ascending indexes at the odd places, and the text between them at the even places.

    Joined, they are the record. Much quicker than splitting a wide record. ValueError if the record has too few cells.
    """
    match = _around(delimiter, indexes).match(record)
    if match is None:
        raise ValueError(f"no cell {indexes[-1]} in a record that begins {record[:80]!r}")
    return [*match.groups(), record[match.end() :]]


def cell_text(raw: str) -> str:
    """The text of a raw cell, without its quotes."""
    text = raw.lstrip(" ")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def raw_cell(text: str, delimiter: str) -> str:
    """`text` as a raw cell, quoted if necessary."""
    if text.startswith(" ") or any(mark in text for mark in (delimiter, '"', "\r", "\n")):
        return '"' + text.replace('"', '""') + '"'
    return text


def join_record(cells: Iterable[str], delimiter: str, line_end: str) -> str:
    """The record of these raw cells."""
    return delimiter.join(cells) + line_end


@cache
def _cell(delimiter: str) -> re.Pattern[str]:
    return re.compile(_cell_pattern(delimiter))


@cache
def _around(delimiter: str, indexes: tuple[int, ...]) -> re.Pattern[str]:
    cell, delimiter_ = _cell_pattern(delimiter), re.escape(delimiter)
    pattern, next_ = "", 0
    for index in indexes:
        begun = delimiter_ if next_ else ""
        pattern += rf"({begun}(?>(?>{cell}){delimiter_}){{{index - next_}}})({cell})"
        next_ = index + 1
    return re.compile(pattern)


def _cell_pattern(delimiter: str) -> str:
    # Possessive quantifiers: a faulty record takes linear time.
    return rf' *+"[^"]*+(?:""[^"]*+)*+"|[^{re.escape(delimiter)}\r\n]*+'
