"""The way of a file through the house, without its servers: inspected, read again by intake, written by the finish."""

import io
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from services.aggregator.outputs.output_csv import OutputCsv
from services.gateway.catalogue import CatalogueLimits, CatalogueRow, Inspection, inspect_catalogue, open_catalogue
from shared.catalogue import CatalogueFormat, Profile
from shared.contracts.records import Product
from shared.url_policy import AddressPolicy

_CHUNK_BYTES = 1 << 18


def inspected(data: bytes, profile: Profile | None = None, size: int = _CHUNK_BYTES) -> Inspection:
    """What an upload of these bytes, arriving in pieces of this size, is found to be. Raises CatalogueRefused."""
    return inspect_catalogue(partial(_pieces, data, size), CatalogueLimits(), AddressPolicy(), profile)


def rows_of(data: bytes, catalogue_format: CatalogueFormat, size: int = _CHUNK_BYTES) -> list[CatalogueRow]:
    """The rows as intake reads them, by the form that was found."""
    return list(
        open_catalogue(partial(_pieces, data, size), CatalogueLimits(), catalogue_format=catalogue_format).rows()
    )


def written(catalogue_format: CatalogueFormat, rows: Iterable[CatalogueRow], *, guard_formulas: bool = False) -> bytes:
    """The output CSV; each slot's output URL is `output_url` of its row and place."""
    raw = io.BytesIO()
    sink = io.TextIOWrapper(raw, encoding=catalogue_format.dialect.encoding, newline="")
    output = OutputCsv(sink, catalogue_format, guard_formulas=guard_formulas)
    for row in rows:
        output.write(_product(row), output_urls(row))
    sink.flush()
    return raw.getvalue()


def output_urls(row: CatalogueRow) -> Sequence[str]:
    return [f"https://mill.example/{row.row}-{place}.jpg" for place in range(len(row.urls))]


def _product(row: CatalogueRow) -> Product:
    return Product("request", row.row, row.serial_number, row.product_name, row.urls, row.slots, row.record)


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))
