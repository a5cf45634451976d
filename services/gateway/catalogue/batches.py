"""Catalogue rows in batches that fit in memory, however wide the rows are. Pure."""

from collections.abc import Iterator

from services.gateway.catalogue.findings import CatalogueRefused
from services.gateway.catalogue.reading import CatalogueRow

_ROWS = 500
_SLOTS = 2_000
_CHARS = 4_000_000


def in_batches(
    rows: Iterator[CatalogueRow], *, max_rows: int = _ROWS, max_slots: int = _SLOTS, max_chars: int = _CHARS
) -> Iterator[list[CatalogueRow]]:
    """`rows`, as many at a time as have `max_slots` image URLs and `max_chars` characters together.

    A row that is beyond these limits by itself is a batch of its own. CatalogueRefused comes behind the last batch.
    """
    batch: list[CatalogueRow] = []
    slots = chars = 0
    refused: CatalogueRefused | None = None
    try:
        for row in rows:
            row_chars = len(row.record)
            slots += len(row.urls)
            chars += row_chars
            if batch and (len(batch) >= max_rows or slots > max_slots or chars > max_chars):
                yield batch
                batch = []
                slots, chars = len(row.urls), row_chars
            batch.append(row)
    except CatalogueRefused as error:  # what came before it counts
        refused = error
    if batch:
        yield batch
    if refused:
        raise refused
