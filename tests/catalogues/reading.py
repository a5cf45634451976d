"""A file's way through Imagemill without servers: inspected, read by the intake, written as output CSV."""

import io
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from services.aggregator.outputs.output_csv import OutputCsv
from services.gateway.catalogue import (
    CatalogueLimits,
    CatalogueRow,
    GivenEncoding,
    Inspection,
    inspect_catalogue,
    reopen_catalogue,
)
from shared.catalogue import CatalogueFormat, Profile
from shared.contracts.records import Product
from shared.url_policy import AddressPolicy

_CHUNK_BYTES = 1 << 18


def inspected(
    data: bytes, profile: Profile | None = None, size: int = _CHUNK_BYTES, encoding: str | None = None
) -> Inspection:
    """The inspection of an upload of these bytes in chunks of this size. Raises CatalogueRefused.

    `encoding`: the option of that name.
    """
    return inspect_catalogue(
        partial(pieces, data, size),
        CatalogueLimits(),
        AddressPolicy(),
        profile,
        given_encoding=GivenEncoding(option=encoding),
    )


def rows_of(data: bytes, catalogue_format: CatalogueFormat, size: int = _CHUNK_BYTES) -> list[CatalogueRow]:
    """The rows as the intake reads them, with the format that the inspection found."""
    return list(reopen_catalogue(partial(pieces, data, size), CatalogueLimits(), catalogue_format).rows())


def written(catalogue_format: CatalogueFormat, rows: Iterable[CatalogueRow], *, guard_formulas: bool = False) -> bytes:
    """The output CSV. The output URLs of each row are those of `output_urls`."""
    raw = io.BytesIO()
    sink = io.TextIOWrapper(raw, encoding=catalogue_format.dialect.encoding, newline="")
    output = OutputCsv(sink, catalogue_format, guard_formulas=guard_formulas)
    for row in rows:
        output.write(_product(row), output_urls(row))
    sink.flush()
    return raw.getvalue()


def output_urls(row: CatalogueRow) -> Sequence[str]:
    return [f"https://imagemill.example/{row.row}-{place}.jpg" for place in range(len(row.urls))]


def _product(row: CatalogueRow) -> Product:
    return Product("request", row.row, row.serial_number, row.product_name, row.urls, row.slots, row.record)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The bytes in chunks of this size."""
    return (data[start : start + size] for start in range(0, len(data), size))
