"""Which column is which, however its header spells it. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.catalogue.findings import CatalogueRefused, Finding, Findings, cut
from services.gateway.catalogue.image_urls import begins_with_url

SERIAL_NUMBER = "Serial Number"
PRODUCT_NAME = "Product Name"
INPUT_IMAGE_URLS = "Input Image Urls"
OUTPUT_IMAGE_URLS = "Output Image Urls"

_REQUIRED = (SERIAL_NUMBER, PRODUCT_NAME, INPUT_IMAGE_URLS)
_SPELLINGS: dict[str, frozenset[str]] = {
    SERIAL_NUMBER: frozenset({"serialnumber", "serialno", "serial", "sno", "srno", "slno", "no", "#"}),
    PRODUCT_NAME: frozenset({"productname", "product", "name"}),
    INPUT_IMAGE_URLS: frozenset({"inputimageurls", "inputimageurl", "imageurls", "imageurl"}),
    OUTPUT_IMAGE_URLS: frozenset({"outputimageurls"}),
}
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Indexes of the columns that matter, in a header of `width` cells."""

    serial_number: int
    product_name: int
    input_image_urls: int
    width: int

    @property
    def urls_are_last(self) -> bool:
        return self.input_image_urls == self.width - 1


def plain(name: str) -> str:
    """A column's name without case, spaces and punctuation: "S. No." is "sno". A lone "#" stays."""
    folded = unicodedata.normalize("NFKC", name).lower()
    return re.sub(r"[^a-z0-9]", "", folded) or folded.strip()


def find_columns(header: Sequence[str]) -> dict[str, list[int]]:
    """For each column that we know, the indexes of the header cells that may mean it."""
    plains = [plain(name) for name in header]
    return {
        column: [index for index, name in enumerate(plains) if name in spellings]
        for column, spellings in _SPELLINGS.items()
    }


def read_layout(header: Sequence[str], row: int, line: int, findings: Findings) -> Layout | None:
    """The header's layout; None, with each fault among the `findings`, if columns are missing or ambiguous.

    Raises CatalogueRefused if this is no header at all.
    """
    found = find_columns(header)
    if not any(found[column] for column in _REQUIRED):
        raise CatalogueRefused((_no_header(header, row, line),))
    faults = [_missing(column, header, row, line) for column in _REQUIRED if not found[column]]
    faults += [
        _ambiguous(column, [header[index] for index in indexes], row, line)
        for column, indexes in found.items()
        if len(indexes) > 1
    ]
    for fault in faults:
        findings.add(fault)
    if faults:
        return None
    return Layout(found[SERIAL_NUMBER][0], found[PRODUCT_NAME][0], found[INPUT_IMAGE_URLS][0], len(header))


def _no_header(header: Sequence[str], row: int, line: int) -> Finding:
    names = ", ".join(f'"{column}"' for column in _REQUIRED)
    advice = f"The first row must name the columns: {names}."
    if any(map(begins_with_url, header)):
        advice = f"The first row looks like a product; put a row above it that names the columns: {names}."
    elif len(header) == 1:
        for delimiter, kind in _OTHER_DELIMITERS.items():
            if delimiter in header[0]:
                advice = f"The cells seem to be separated by {kind}; separate them by commas."
    return Finding("the file has no header", advice, row, line, text=cut(",".join(header)))


def _missing(column: str, header: Sequence[str], row: int, line: int) -> Finding:
    return Finding(
        f'the column "{column}" is missing',
        f"Add it, or rename the one that holds it. The header has: {cut(', '.join(filter(None, header)))}",
        row,
        line,
        column,
    )


def _ambiguous(column: str, names: Sequence[str], row: int, line: int) -> Finding:
    listed = " and ".join(f'"{name}"' for name in names)
    return Finding(f'{listed} may all be "{column}"', "Rename all but one of them.", row, line, column)
