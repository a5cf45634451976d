"""Reads an accepted upload again, for intake: copies it from the store, then reads it in batches, in threads.

Both functions call `checkpoint` between short pieces of work; it raises an exception to end the reading.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from typing import BinaryIO

from services.gateway.catalogue import CatalogueLimits, CatalogueRow, reopen_catalogue
from shared.catalogue import BatchLimits, CatalogueFormat, in_batches
from shared.storage import ObjectStore
from shared.workspace import disk_faults

_CHUNK_BYTES = 1 << 20
_SKIP_ROWS = 10_000
_BATCH_LIMITS = BatchLimits(rows=500, slots=2_000, chars=4_000_000)
_NO_LIMITS = CatalogueLimits(
    rows=sys.maxsize, columns=sys.maxsize, cell_chars=sys.maxsize, row_chars=sys.maxsize, slots_per_row=sys.maxsize
)
"""An accepted upload is read to its end even if the limits were lowered since."""


@asynccontextmanager
async def copied_upload(store: ObjectStore, key: str, checkpoint: Callable[[], None]) -> AsyncIterator[BinaryIO]:
    """A copy of the upload on the local disk: it is read too slowly to keep a connection to the store open.

    Raises ObjectMissing, DiskUnavailable.
    """
    with disk_faults(), tempfile.TemporaryFile() as file:
        async for chunk in store.read_chunks(key):
            await asyncio.to_thread(file.write, chunk)
            checkpoint()
        file.seek(0)
        yield file


async def read_batches(
    upload: BinaryIO, catalogue_format: CatalogueFormat, skip_rows: int, checkpoint: Callable[[], None]
) -> AsyncIterator[list[CatalogueRow]]:
    """The upload's data rows after the first `skip_rows`, in batches.

    Raises CatalogueRefused after the last readable row if some rows could not be read.
    """
    catalogue = await asyncio.to_thread(reopen_catalogue, partial(_chunks, upload), _NO_LIMITS, catalogue_format)
    rows = catalogue.rows()
    for skipped in range(0, skip_rows, _SKIP_ROWS):
        await asyncio.to_thread(_skip, rows, min(_SKIP_ROWS, skip_rows - skipped))
        checkpoint()
    batches = in_batches(rows, _BATCH_LIMITS)
    while batch := await asyncio.to_thread(next, batches, None):
        checkpoint()
        yield batch


def _chunks(upload: BinaryIO) -> Iterator[bytes]:
    upload.seek(0)
    return iter(lambda: upload.read(_CHUNK_BYTES), b"")


def _skip(rows: Iterator[CatalogueRow], count: int) -> None:
    for _ in islice(rows, count):
        pass
