"""Writes a catalogue in its own format: the user's records as text, with some cells replaced. Pure.

All other cells stay byte for byte, except text that a spreadsheet would run as a formula (see formula_guard).
"""

import re
from collections.abc import Mapping
from functools import cache
from itertools import count
from typing import TextIO

from services.aggregator.outputs.formula_guard import SIGNS, guard, guard_urls
from shared.catalogue import CatalogueFormat, cell_text, join_record, raw_cell, split_around, split_record

_BOM = "\ufeff"


class CatalogueCsv:
    """Writes records in the upload's format to `sink`, a text file in the upload's encoding, opened with newline="".

    The file begins with the upload's BOM and preamble.
    """

    def __init__(self, sink: TextIO, catalogue_format: CatalogueFormat, *, guard_formulas: bool) -> None:
        self._sink = sink
        self._width = catalogue_format.width
        self._delimiter = catalogue_format.dialect.delimiter
        self._line_end = catalogue_format.dialect.line_end
        self._url_columns = frozenset(column.index for column in catalogue_format.image_columns)
        self._suspicious = _suspicious(self._delimiter) if guard_formulas else None
        self._line_is_open = False
        preamble = catalogue_format.dialect.preamble
        if guard_formulas:
            preamble = _formulas_of_rows(self._delimiter).sub(r"\1'", preamble)
        sink.write(_BOM * catalogue_format.dialect.bom + preamble)

    def write(self, record: str, texts: Mapping[int, str]) -> None:
        """Write `record` with `texts` in the cells at these indexes. Indexes after the last cell append cells.

        `texts` are not guarded. The record keeps its line end; one without a line end gets it when another follows.
        """
        if self._line_is_open:
            self._sink.write(self._line_end)
        written = self._replaced(record, texts)
        self._line_is_open = not written.endswith(("\n", "\r"))
        self._sink.write(written)

    def _replaced(self, record: str, texts: Mapping[int, str]) -> str:
        if self._suspicious is not None and self._suspicious.search(record):
            cells, line_end = split_record(record, self._delimiter)
            record = join_record(map(self._guarded, count(), cells), self._delimiter, line_end)
        inside = tuple(sorted(index for index in texts if index < self._width))
        if inside:
            parts = split_around(record, self._delimiter, inside)
            parts[1::2] = [self._raw(texts[index], like) for index, like in zip(inside, parts[1::2], strict=True)]
            record = "".join(parts)
        return record if len(inside) == len(texts) else self._appended(record, texts)

    def _appended(self, record: str, texts: Mapping[int, str]) -> str:
        body = record.rstrip("\r\n")  # a line break inside a cell is inside quotes
        cells = [raw_cell(texts[index], self._delimiter) for index in sorted(texts) if index >= self._width]
        return join_record([body, *cells], self._delimiter, record[len(body) :])

    def _raw(self, text: str, like: str) -> str:
        """`text` as a raw cell, quoted if the cell that it replaces was quoted."""
        raw = raw_cell(text, self._delimiter)
        return f'"{raw}"' if like.lstrip(" ").startswith('"') and not raw.startswith('"') else raw

    def _guarded(self, index: int, raw: str) -> str:
        text = cell_text(raw)
        guarded = guard_urls(text) if index in self._url_columns else guard(text)
        if guarded == text:
            return raw
        start = len(raw) - len(raw.lstrip(" "))
        start += raw.startswith('"', start)
        return f"{raw[:start]}'{raw[start:]}"  # the cell keeps its quotes


@cache
def _suspicious(delimiter: str) -> re.Pattern[str]:
    """Matches every record that has a cell to guard, and few others."""
    signs, end = re.escape(SIGNS), re.escape(delimiter)
    tab = "" if delimiter == "\t" else "\t"
    return re.compile(rf'(?:\A|{end}) *(?:"[{signs}\t\r\n]|[{signs}{tab}])')


@cache
def _formulas_of_rows(delimiter: str) -> re.Pattern[str]:
    """Matches what precedes a formula in rows that need not be valid CSV. A number or a single sign is no formula.

    Spreadsheets append text after a closing quote to its cell, so quotes neither begin nor end one for sure.
    """
    start, end = rf"(?:\A|[\r\n]|{re.escape(delimiter)})", rf'"?+(?:[\r\n]|{re.escape(delimiter)}|\Z)'
    before = '[ "]*+' if delimiter == "\t" else '[ \t"]*+'
    harmless = rf"[+-][\d.]++%?{end}|. *+{end}"
    return re.compile(rf"({start}{before})(?=[{re.escape(SIGNS)}])(?!{harmless})")
