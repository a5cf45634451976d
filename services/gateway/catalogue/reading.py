"""Reads the rows of an open catalogue and repairs them. Pure, streaming, in bounded memory.

An invalid URL does not make the file invalid: only its slot fails.
"""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from services.gateway.catalogue.findings import Finding
from services.gateway.catalogue.image_urls import read_urls
from services.gateway.catalogue.layout import Layout
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.profiles import PROFILES
from services.gateway.catalogue.records import Records
from services.gateway.catalogue.row_repair import RepairedRow, RowRepair, repair_row
from shared.catalogue import CatalogueFormat

_UNQUOTED_LIST = "a list of URLs that is not quoted; its cells were joined"
_COUNTED_REPAIRS: dict[RowRepair, tuple[str, str]] = {
    "trimmed": ("blank cells at the ends of rows were removed", "Delete the empty columns."),
    "unwrapped": ("quotes around whole rows were removed", "Put quotes around cells only."),
}
"""Reported once per file, since every row may need them."""
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


class Catalogue:
    """An open catalogue. header: its cells. findings: those up to the current row."""

    def __init__(
        self,
        catalogue_format: CatalogueFormat,
        layout: Layout,
        records: Records,
        rows: Iterator[list[str]],
        limits: CatalogueLimits,
    ) -> None:
        """`rows`: those of the `records` after the header."""
        self.catalogue_format = catalogue_format
        self.header = tuple(records.names)
        self.layout = layout
        self.findings = records.findings
        self.records = records
        self._rows = rows
        self._limits = limits
        columns = PROFILES[catalogue_format.profile]
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
        for given, repair in repairs:
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
