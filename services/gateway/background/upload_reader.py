"""Reading an accepted upload once more, for intake: copied from the store, then in batches, all of it in threads.

Both call `go_on` between pieces of work that are soon done; it raises whatever ends the reading.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from typing import BinaryIO

from services.gateway.catalogue.reading import CatalogueLimits, CatalogueRow, open_catalogue
from shared.catalogue.batches import BatchLimits, in_batches
from shared.catalogue.format import CatalogueFormat
from shared.storage import ObjectStore

_CHUNK_BYTES = 1 << 20
_SKIP_ROWS = 10_000
_BATCH_LIMITS = BatchLimits(rows=500, slots=2_000, chars=4_000_000)
_NO_LIMITS = CatalogueLimits(
    rows=sys.maxsize, columns=sys.maxsize, cell_chars=sys.maxsize, row_chars=sys.maxsize, slots_per_row=sys.maxsize
)
"""What was accepted is taken in, also if the limits were lowered since."""


@asynccontextmanager
async def copied_upload(store: ObjectStore, key: str, go_on: Callable[[], None]) -> AsyncIterator[BinaryIO]:
    """The upload on the local disk, since it is read more slowly than the store likes to wait. Raises ObjectMissing."""
    with tempfile.TemporaryFile() as file:
        async for chunk in store.read_chunks(key):
            await asyncio.to_thread(file.write, chunk)
            go_on()
        file.seek(0)
        yield file


async def read_batches(
    upload: BinaryIO, catalogue_format: CatalogueFormat, rows_in: int, go_on: Callable[[], None]
) -> AsyncIterator[list[CatalogueRow]]:
    """The rows behind the first `rows_in` of an upload of this form.

    Raises CatalogueRefused after them if some could not be read.
    """
    catalogue = await asyncio.to_thread(
        open_catalogue, partial(_chunks, upload), _NO_LIMITS, catalogue_format=catalogue_format
    )
    rows = catalogue.rows()
    for skipped in range(0, rows_in, _SKIP_ROWS):
        await asyncio.to_thread(_skip, rows, min(_SKIP_ROWS, rows_in - skipped))
        go_on()
    batches = in_batches(rows, _BATCH_LIMITS)
    while batch := await asyncio.to_thread(next, batches, None):
        go_on()
        yield batch


def _chunks(upload: BinaryIO) -> Iterator[bytes]:
    upload.seek(0)
    return iter(lambda: upload.read(_CHUNK_BYTES), b"")


def _skip(rows: Iterator[CatalogueRow], count: int) -> None:
    for _ in islice(rows, count):
        pass
