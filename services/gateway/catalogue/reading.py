"""Reads a product catalogue: CSV in any dialect. Pure, streaming, in bounded memory.

An upload is read twice with this code: `inspect_catalogue` opens and checks it before it is accepted. The intake then
reopens it with the format that the inspection found. Both make the same repairs. An invalid URL does not make the file
invalid: only its slot fails.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from services.gateway.catalogue.decoding import Chunks, decode
from services.gateway.catalogue.delimiter import HEAD_CHARS, find_header, rows_passed_over
from services.gateway.catalogue.encoding import NOT_GIVEN, GivenEncoding, TextEncoding, find_encoding
from services.gateway.catalogue.findings import CatalogueRefused, Finding, Findings
from services.gateway.catalogue.header import Layout, layout_of, read_layout
from services.gateway.catalogue.image_urls import read_urls
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.profiles import PROFILES
from services.gateway.catalogue.records import Records
from services.gateway.catalogue.row_repair import RepairedRow, RowRepair, repair_row, unwrap_row
from services.gateway.catalogue.text import CatalogueText, Unreadable, count_lines, peek
from shared.catalogue import CatalogueFormat, Dialect, Profile, cell_text, join_record, split_record

_UNQUOTED_LIST = "a list of URLs that is not quoted; its cells were joined"
_COUNTED_REPAIRS: dict[RowRepair, tuple[str, str]] = {
    "trimmed": ("blank cells at the ends of rows were removed", "Delete the empty columns."),
    "unwrapped": ("quotes around whole rows were removed", "Put quotes around cells only."),
}
"""Reported once per file, since every row may need them."""
_BACKSLASH_QUOTES = Finding(
    'quotes inside cells are written \\"; they were read as quotes',
    "Double each quote inside a cell, as RFC 4180 and spreadsheets do. The output CSV does.",
    severity="warning",
)
_MAX_NAMES = 5_000  # the rows of a product are close together
_MAX_NAME_CHARS = 1_000


class CatalogueRow(NamedTuple):
    """A data row. row: counted from 1. urls, slots, record: as in records.Product."""

    row: int
    serial_number: str
    product_name: str
    urls: tuple[str, ...]
    slots: tuple[int, ...]
    record: str


def open_catalogue(
    chunks: Chunks,
    limits: CatalogueLimits,
    profile: Profile | None = None,
    given_encoding: GivenEncoding = NOT_GIVEN,
    *,
    backslash_quotes: bool = False,
) -> "Catalogue":
    """Find out how a catalogue is written and read its header. Raises CatalogueRefused with the findings.

    `profile` None: detect it from the header. `backslash_quotes`: read \\" as a quote inside a cell.
    """
    findings, encoding = Findings(), _encoding_of(chunks, given_encoding)
    for warning in encoding.warnings:
        findings.add(warning)
    head, pieces = peek(decode(chunks(), encoding.name, bom=encoding.bom), HEAD_CHARS)
    start = find_header(head)
    delimiter, preamble = start.delimiter, start.preamble
    if start.rows_above:
        findings.add(rows_passed_over(start))
    if backslash_quotes:
        findings.add(_BACKSLASH_QUOTES)
    dialect = Dialect(delimiter, encoding.name, encoding.bom, "\n", preamble, backslash_quotes)
    records = _records(pieces, dialect, limits, findings)
    records.row = start.rows_above
    rows = iter(records)
    header = _read_header(records, rows, delimiter, findings, limits)
    records.names = header.cells
    layout = _read_layout(records, rows, header.cells, findings, profile)
    dialect = replace(dialect, line_end=split_record(header.record, delimiter)[1] or "\n")
    found = CatalogueFormat(layout.profile, dialect, header.record, len(header.cells), layout.images, layout.output)
    return Catalogue(found, layout, _Source(records, rows, findings, limits, header.cells))


def reopen_catalogue(chunks: Chunks, limits: CatalogueLimits, catalogue_format: CatalogueFormat) -> "Catalogue":
    """Open a catalogue with the format that its inspection found: nothing is detected again."""
    findings, dialect = Findings(), catalogue_format.dialect
    _, pieces = peek(decode(chunks(), dialect.encoding, bom=dialect.bom), HEAD_CHARS)
    records = _records(pieces, dialect, limits, findings)
    rows = iter(records)
    next(rows, None)  # the header
    records.names = names = [cell_text(cell) for cell in split_record(catalogue_format.header, dialect.delimiter)[0]]
    layout = layout_of(names, catalogue_format.profile)
    return Catalogue(catalogue_format, layout, _Source(records, rows, findings, limits, names))


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the rows after the header come from. names: the header's cells."""

    records: Records
    rows: Iterator[list[str]]
    findings: Findings
    limits: CatalogueLimits
    names: Sequence[str]


class Catalogue:
    """An open catalogue. header: its cells. findings: those up to the current row."""

    def __init__(self, catalogue_format: CatalogueFormat, layout: Layout, source: _Source) -> None:
        self.catalogue_format = catalogue_format
        self.header = tuple(source.names)
        self.layout = layout
        self.findings = source.findings
        self.records = source.records
        self._rows = source.rows
        self._limits = source.limits
        columns = PROFILES[catalogue_format.profile]
        self._escaped = columns.escaped
        self._no_image = columns.no_image
        self._rows_share_serial = columns.rows_share_serial
        self._rows_continue = columns.rows_continue
        self._images = [(column.index, columns.escaped and column.many) for column in catalogue_format.image_columns]
        self._names: dict[str, str] = {}
        self._above = ("", "")
        last = max(catalogue_format.image_columns, key=lambda column: column.index)
        self._urls_are_last = last.index == catalogue_format.width - 1
        self._many_are_last = self._urls_are_last and last.many
        self._repair_counts: dict[RowRepair, int] = {}
        self._first_repair_lines: dict[RowRepair, int] = {}

    def rows(self) -> Iterator[CatalogueRow]:
        """Yield the data rows; can be used once. Skips faulty rows.

        Raises CatalogueRefused after the last row if any finding so far is an error.
        """
        width, records, limits = self.catalogue_format.width, self.records, self._limits
        first_serial, *more_serials = self.layout.serials
        name_at, images = self.layout.name, self._images
        number = 0
        for cells in self._rows:
            record = records.record
            if len(cells) != width:
                row = self._repaired(cells, record)
                if row is None:
                    continue
                cells, record = row.cells, row.record  # noqa: PLW2901 - replaced by the repaired row
            if len(images) == 1:
                urls = self._read_urls(cells[images[0][0]], *images[0])
                slots: tuple[int, ...] = (len(urls),)
            else:
                lists = [self._read_urls(cells[index], index, escaped) for index, escaped in images]
                urls, slots = tuple(chain.from_iterable(lists)), tuple(map(len, lists))
            if len(urls) > limits.slots_per_row:
                self._too_many_urls(len(urls))
                continue
            number += 1
            if number > limits.rows:
                self._too_many_rows()
                break
            serial = cells[first_serial].strip()
            if not serial and more_serials:
                serial = next((text for index in more_serials if (text := cells[index].strip())), "")
            name = "" if name_at is None else cells[name_at].strip()
            if self._rows_share_serial:
                serial, name = self._of_product(serial, name)
            yield CatalogueRow(number, serial, name, urls, slots, record)
        self._report_counted()
        if number == 0 and not self.findings.refused:
            self.findings.add(Finding("the file has no data rows", "Add a row for each product."))
        self.findings.raise_if_refused()

    def _read_urls(self, cell: str, index: int, escaped: bool) -> tuple[str, ...]:
        if not cell or cell in self._no_image:
            return ()
        urls, repairs = read_urls(cell, escaped=escaped)
        for _, given, repair in repairs:
            self.records.add_finding(repair.problem, repair.advice, self.header[index], given, "warning")
        return urls

    def _of_product(self, serial: str, name: str) -> tuple[str, str]:
        """The serial number and name of the row's product, some of which only another row has."""
        if not self._rows_continue:
            return serial, self._shared_name(serial, name)
        if name:
            self._above = (serial, name)
            return serial, name
        return serial or self._above[0], self._above[1]

    def _shared_name(self, serial: str, name: str) -> str:
        """The name of the serial number's first row that has one."""
        if name and len(self._names) >= _MAX_NAMES:
            self._names.clear()
        if len(serial) + len(name) > _MAX_NAME_CHARS:
            return name
        return self._names.setdefault(serial, name) if name else self._names.get(serial, "")

    def _repaired(self, cells: list[str], record: str) -> RepairedRow | None:
        catalogue_format, records = self.catalogue_format, self.records
        row = repair_row(
            cells,
            record,
            catalogue_format.width,
            catalogue_format.dialect.delimiter,
            urls_are_last=self._urls_are_last,
        )
        if row is None or ("rejoined" in row.repairs and not self._may_be_rejoined(row.cells[-1])):
            records.add_finding(
                f"{len(cells)} cells, but the header has {catalogue_format.width} columns",
                "Put double quotes around each cell that contains the delimiter, and name every column that has text.",
                self.header[-1] if self._urls_are_last else None,
                record[:1000],
            )
            return None
        for repair in row.repairs:
            if repair == "filled":
                problem = f"{len(cells)} of {catalogue_format.width} cells; the missing ones were read as empty"
                records.add_finding(
                    problem, "Write the delimiters of empty cells as well.", text=record, severity="warning"
                )
            elif repair == "rejoined":
                advice = "Put double quotes around the cell."
                records.add_finding(_UNQUOTED_LIST, advice, self.header[-1], row.cells[-1], "warning")
            else:
                self._repair_counts[repair] = self._repair_counts.get(repair, 0) + 1
                self._first_repair_lines.setdefault(repair, records.line)
        return row

    def _may_be_rejoined(self, listed: str) -> bool:
        """Whether the column may list several URLs; a shop could not import them in a column of one image."""
        return self._many_are_last or len(read_urls(listed)[0]) == 1

    def _report_counted(self) -> None:
        """Report blank rows and counted repairs, once per file and not per row."""
        counted = [
            (*_COUNTED_REPAIRS[repair], count, self._first_repair_lines[repair])
            for repair, count in self._repair_counts.items()
        ]
        if self.records.blank_rows:
            advice = "Nothing needs to be done."
            counted.append(("blank rows were skipped", advice, self.records.blank_rows, self.records.first_blank))
        for problem, advice, count, line in counted:
            text = f"{problem}: {count:,}, the first at line {line:,}"
            self.findings.add(Finding(text, advice, line=line, severity="warning"))

    def _too_many_urls(self, count: int) -> None:
        self.records.add_finding(
            f"{count:,} image slots in one row; at most {self._limits.slots_per_row:,} are allowed",
            "Split the row into several rows.",
            self.header[self._images[0][0]],
        )

    def _too_many_rows(self) -> None:
        self.records.add_finding(
            f"more than {self._limits.rows:,} data rows",
            "Split the file and upload the parts. The rest of the file was not checked.",
        )


def _encoding_of(chunks: Chunks, given: GivenEncoding) -> TextEncoding:
    try:
        return find_encoding(chunks, given)
    except Unreadable as fault:
        raise CatalogueRefused((Finding(fault.problem, fault.advice),)) from None


def _records(pieces: Iterator[str], dialect: Dialect, limits: CatalogueLimits, findings: Findings) -> Records:
    text = CatalogueText(_without_preamble(dialect.preamble, pieces), limits.row_chars)
    return Records(text, dialect, limits.cell_chars, findings, lines_before=count_lines(dialect.preamble))


def _without_preamble(preamble: str, pieces: Iterator[str]) -> Iterator[str]:
    """The text without its preamble, which is in the first piece."""
    yield next(pieces, "")[len(preamble) :]
    yield from pieces


def _read_header(
    records: Records, rows: Iterator[list[str]], delimiter: str, findings: Findings, limits: CatalogueLimits
) -> RepairedRow:
    """The header row without blank cells at its end."""
    cells = next(rows, None)
    findings.raise_if_refused()  # the header row itself is broken; the next row is no header
    if cells is None:
        raise CatalogueRefused(
            (Finding("the file is empty", "Upload a CSV file with a header and a row for each product."),)
        )
    header = unwrap_row(cells, records.record, delimiter) or RepairedRow(cells, records.record)
    if header.repairs:
        problem, advice = "quotes around the whole header were removed", "Put quotes around cells only."
        records.add_finding(problem, advice, text=header.record, severity="warning")
    width = max((index for index, cell in enumerate(header.cells, 1) if cell.strip()), default=0)
    if width > limits.columns:
        records.add_finding(f"{width:,} columns; at most {limits.columns:,} are allowed", "Delete some.")
        findings.raise_if_refused()  # the names of so many columns are not compared
    if width < len(header.cells):
        raw, line_end = split_record(header.record, delimiter)
        header = RepairedRow(header.cells[:width], join_record(raw[:width], delimiter, line_end))
    return header


def _read_layout(
    records: Records, rows: Iterator[list[str]], header: Sequence[str], findings: Findings, profile: Profile | None
) -> Layout:
    """What the header's columns are. If it is wrong, the rows are read as well, to report their wrong quotes."""
    try:
        layout = read_layout(header, (records.row, records.line), findings, profile)
    except CatalogueRefused as refused:
        raise CatalogueRefused((*findings.listed, *refused.findings)) from None
    if layout is None or findings.refused:
        for _ in rows:
            pass
        raise CatalogueRefused(findings.listed, findings.more)
    return layout
