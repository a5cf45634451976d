"""Reading a product catalogue: CSV in UTF-8, comma-separated. Pure, streaming, in bounded memory.

The upload is read twice by the same code: `check_catalogue` judges it before it is accepted, `open_catalogue` gives
its rows afterwards. What can be mended is mended in both: spellings of the header, blank rows, trailing commas, short
rows, and URL lists whose commas nobody quoted. A URL that is no URL is not the file's fault: its slot fails.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from services.gateway.catalogue.findings import CatalogueRefused, Finding, Findings, cut
from services.gateway.catalogue.header import INPUT_IMAGE_URLS, Layout, read_layout
from services.gateway.catalogue.image_urls import begins_with_url, split_urls
from services.gateway.catalogue.quotes import find_quote_fault
from services.gateway.catalogue.text import CatalogueText, Unreadable
from shared.catalogue.form import CatalogueForm, Dialect, ImageColumn, Profile
from shared.catalogue.record import join_record, raw_cell, split_record

_QUOTE_ADVICE = "Put double quotes around the cell, and write a quote inside it twice."


@dataclass(frozen=True, slots=True)
class CatalogueLimits:
    """What a catalogue may hold. Rows are data rows; a row's own limits keep its database record below 16 MB."""

    rows: int = 5_000_000
    columns: int = 1_000
    cell_chars: int = 1_000_000
    row_chars: int = 2_000_000
    urls_per_row: int = 10_000


class CatalogueRow(NamedTuple):
    """A data row, counted from 1; urls, slots and record as in records.Product.

    Its fields are read as the header's profile has it.
    """

    row: int
    serial_number: str
    product_name: str
    urls: tuple[str, ...]
    slots: tuple[int, ...]
    record: str


def open_catalogue(chunks: Iterable[bytes], limits: CatalogueLimits) -> "Catalogue":
    """Read the header of a catalogue, given in chunks of any size. Raises CatalogueRefused with what is wrong."""
    return Catalogue(chunks, limits)


class Catalogue:
    """An open catalogue. `header` holds its header cells as given, without blank ones at the end."""

    def __init__(self, chunks: Iterable[bytes], limits: CatalogueLimits) -> None:
        # The csv module knows one limit for the process; this service reads no other CSV.
        csv.field_size_limit(limits.cell_chars)
        self._limits = limits
        self._text = CatalogueText(chunks, limits.row_chars)
        self._reader = csv.reader(self._text, strict=True, skipinitialspace=True)
        self._row = 0  # as a spreadsheet counts
        self._line = 0  # of the text, where that row begins
        self._findings = Findings()
        self._records = self._read_records()
        self.header: tuple[str, ...] = ()
        self._layout = self._read_header()

    @property
    def form(self) -> CatalogueForm:
        columns = (ImageColumn(self._layout.input_image_urls, many=True),)
        return CatalogueForm(Profile.GENERIC, self._dialect, self._header_record, self._layout.width, columns)

    def rows(self) -> Iterator[CatalogueRow]:
        """The data rows, once. Faulty ones are left out, and CatalogueRefused lists them when the file has ended."""
        layout = self._layout
        number = 0
        for record in self._records:
            cells = record if len(record) == layout.width else self._fitted(record)
            if cells is None:
                continue
            urls = split_urls(cells[layout.input_image_urls])
            if len(urls) > self._limits.urls_per_row:
                self._find(
                    f"{len(urls):,} URLs in one row; at most {self._limits.urls_per_row:,} are allowed",
                    "Spread them over several rows.",
                    self.header[layout.input_image_urls],
                )
                continue
            number += 1
            if number > self._limits.rows:
                self._find(
                    f"more than {self._limits.rows:,} data rows",
                    "Split the file and upload the parts. What follows was not checked.",
                )
                break
            yield CatalogueRow(
                number,
                cells[layout.serial_number].strip(),
                cells[layout.product_name].strip(),
                urls,
                (len(urls),),
                self._record(record, cells),
            )
        self._findings.refuse_if_any()
        if number == 0:
            raise CatalogueRefused((Finding("the file has no data rows", "Add a row for each product."),))

    def _record(self, read: list[str], cells: list[str]) -> str:
        given = "".join(self._text.held)
        if read is cells:
            return given
        _, line_end = split_record(given, ",")
        return join_record((raw_cell(cell, ",") for cell in cells), ",", line_end)

    def _read_header(self) -> Layout:
        header = next(self._records, None)
        self._findings.refuse_if_any()  # with its own row broken, what comes next is no header
        if header is None:
            raise CatalogueRefused(
                (Finding("the file is empty", "Upload a CSV file with a header and a row for each product."),)
            )
        while not header[-1].strip():
            header.pop()
        self.header = tuple(header)
        given = "".join(self._text.held)
        raw, line_end = split_record(given, ",")
        self._header_record = join_record(raw[: len(header)], ",", line_end)
        self._dialect = Dialect(",", "utf-8", bom=False, line_end=line_end or "\n")
        if len(header) > self._limits.columns:
            self._find(f"{len(header):,} columns; at most {self._limits.columns:,} are allowed", "Leave some out.")
        layout = read_layout(header, self._row, self._line, self._findings)
        if layout is None or self._findings.listed:
            self._refuse_header()
        return layout

    def _refuse_header(self) -> NoReturn:
        """Refuse for the header's sake, but tell also what else is wrong with the file's text."""
        for _ in self._records:
            pass
        raise CatalogueRefused(tuple(self._findings.listed), self._findings.more)

    def _read_records(self) -> Iterator[list[str]]:
        """Each row with something in it, as the csv module reads it."""
        reader, held = self._reader, self._text.held
        while True:
            held.clear()
            self._row += 1
            self._line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if not self._tell_quotes(error):
                    return
                continue
            except Unreadable as fault:
                self._tell_unreadable(fault)
                return
            # Blank rows, which spreadsheets like to leave behind: the first test is quick, the second thorough.
            if any(cells) and any(map(str.strip, cells)):
                yield cells

    def _tell_quotes(self, error: csv.Error) -> bool:
        """Say what the csv module stumbled over; whether reading on makes sense."""
        row = "".join(self._text.held)
        fault = find_quote_fault(row)
        if fault is None:
            self._find(f"a cell of more than {self._limits.cell_chars:,} characters", "Shorten it.", text=row[:1000])
            return True
        self._line += fault.line
        column = self.header[fault.column] if fault.column < len(self.header) else None
        text = fault.text[:1000]
        if fault.closed:
            self._find("text follows a cell's closing quote", _QUOTE_ADVICE, column, text)
            return True
        if "field limit" in str(error):
            problem = f"a quote is opened here and not closed within {self._limits.cell_chars:,} characters"
        else:
            problem = "a quote is opened here and never closed"
        self._find(problem, f"{_QUOTE_ADVICE} What follows was not checked.", column, text)
        return False

    def _tell_unreadable(self, fault: Unreadable) -> None:
        if fault.place == "file":
            self._findings.add(Finding(fault.problem, fault.advice))
            return
        if fault.place == "line":
            self._line = self._reader.line_num + 1
        self._find(fault.problem, fault.advice, text=fault.text or "".join(self._text.held)[:1000] or None)

    def _fitted(self, cells: list[str]) -> list[str] | None:
        """The row with as many cells as the header; None, and a finding, if that cannot be had."""
        width = self._layout.width
        if len(cells) < width:
            return cells + [""] * (width - len(cells))
        surplus = cells[width:]
        if not any(map(str.strip, surplus)):
            return cells[:width]
        listed = ",".join(cells[width - 1 :])
        if self._layout.urls_are_last and begins_with_url(listed):
            return [*cells[: width - 1], listed]
        self._find(
            f"{len(cells)} cells, but the header has {width}",
            "Put double quotes around each cell that holds commas.",
            INPUT_IMAGE_URLS if self._layout.urls_are_last else None,
            text="".join(self._text.held)[:1000],
        )
        return None

    def _find(self, problem: str, advice: str, column: str | None = None, text: str | None = None) -> None:
        self._findings.add(Finding(problem, advice, self._row, self._line, column, text and cut(text)))
