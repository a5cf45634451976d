"""Opens a product catalogue: finds out how it is written and reads its header. Pure, streaming.

An upload is opened twice: `inspect_catalogue` opens and checks it before it is accepted. The intake then reopens it
with the format that the inspection found. Both read and repair its rows with the same code.
"""

from collections.abc import Iterator
from dataclasses import replace

from services.gateway.catalogue.decoding import Chunks, decode
from services.gateway.catalogue.delimiter import HEAD_CHARS, find_header, rows_passed_over
from services.gateway.catalogue.encoding import NOT_GIVEN, GivenEncoding, TextEncoding, find_encoding
from services.gateway.catalogue.findings import CatalogueRefused, Finding, Findings
from services.gateway.catalogue.header import layout_of, read_layout
from services.gateway.catalogue.layout import Layout
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.reading import Catalogue
from services.gateway.catalogue.records import Records
from services.gateway.catalogue.row_repair import RepairedRow, unwrap_row
from services.gateway.catalogue.text import CatalogueText, Unreadable, peek
from shared.catalogue import CatalogueFormat, Dialect, Profile, cell_text, join_record, split_record

_BACKSLASH_QUOTES = Finding(
    'quotes inside cells are written \\"; they were read as quotes',
    "Double each quote inside a cell, as RFC 4180 and spreadsheets do. The output CSV does.",
    severity="warning",
)


def open_catalogue(
    chunks: Chunks,
    limits: CatalogueLimits,
    profile: Profile | None = None,
    given_encoding: GivenEncoding = NOT_GIVEN,
    *,
    backslash_quotes: bool = False,
) -> Catalogue:
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
    header = _read_header(records, rows, delimiter, limits)
    records.names = header.cells
    layout = _read_layout(records, rows, profile)
    dialect = replace(dialect, line_end=split_record(header.record, delimiter)[1] or "\n")
    found = CatalogueFormat(layout.profile, dialect, header.record, len(header.cells), layout.images, layout.output)
    return Catalogue(found, layout, records, rows, limits)


def reopen_catalogue(chunks: Chunks, limits: CatalogueLimits, catalogue_format: CatalogueFormat) -> Catalogue:
    """Open a catalogue with the format that its inspection found: nothing is detected again."""
    dialect = catalogue_format.dialect
    _, pieces = peek(decode(chunks(), dialect.encoding, bom=dialect.bom), HEAD_CHARS)
    records = _records(pieces, dialect, limits, Findings())
    rows = iter(records)
    next(rows, None)  # the header
    records.names = [cell_text(cell) for cell in split_record(catalogue_format.header, dialect.delimiter)[0]]
    layout = layout_of(records.names, catalogue_format.profile)
    return Catalogue(catalogue_format, layout, records, rows, limits)


def _encoding_of(chunks: Chunks, given: GivenEncoding) -> TextEncoding:
    try:
        return find_encoding(chunks, given)
    except Unreadable as fault:
        raise CatalogueRefused((Finding(fault.problem, fault.advice),)) from None


def _records(pieces: Iterator[str], dialect: Dialect, limits: CatalogueLimits, findings: Findings) -> Records:
    text = CatalogueText(_without_preamble(dialect.preamble, pieces), limits.row_chars)
    return Records(text, dialect, limits.cell_chars, findings)


def _without_preamble(preamble: str, pieces: Iterator[str]) -> Iterator[str]:
    """The text without its preamble, which is in the first piece."""
    yield next(pieces, "")[len(preamble) :]
    yield from pieces


def _read_header(records: Records, rows: Iterator[list[str]], delimiter: str, limits: CatalogueLimits) -> RepairedRow:
    """The header row without blank cells at its end."""
    cells = next(rows, None)
    records.findings.raise_if_refused()  # the header row itself is broken; the next row is no header
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
        records.findings.raise_if_refused()  # the names of so many columns are not compared
    if width < len(header.cells):
        raw, line_end = split_record(header.record, delimiter)
        header = RepairedRow(header.cells[:width], join_record(raw[:width], delimiter, line_end))
    return header


def _read_layout(records: Records, rows: Iterator[list[str]], profile: Profile | None) -> Layout:
    """What the header's columns are. If it is wrong, the rows are read as well, to report their wrong quotes."""
    findings = records.findings
    try:
        layout = read_layout(records.names, (records.row, records.line), findings, profile)
    except CatalogueRefused as refused:
        raise CatalogueRefused((*findings.listed, *refused.findings)) from None
    if layout is None or findings.refused:
        for _ in rows:
            pass
        raise CatalogueRefused(findings.listed, findings.more)
    return layout
