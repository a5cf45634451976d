"""The cost of the cache of equal bytes for an image that is not in it: one look-up and one record.

python -m benchmarks.same_bytes                      # an object store in a temporary directory
OBJECT_STORE_URL=s3://... python -m benchmarks.same_bytes
"""

import asyncio
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta

from services.compressor.same_bytes import SameBytesCache
from shared.contracts.messages import CompressImage, CompressOptions, ImageResult
from shared.contracts.object_keys import image_id, originals_prefix
from shared.storage import ObjectStore, open_object_store

IMAGES = 500
REQUEST_ID = "BENCHMARK-OF-SAME-BYTES"
RESULT = ImageResult(
    key=f"results/{REQUEST_ID}/1-0123456789abcdef.jpg",
    content_type="image/jpeg",
    action="compressed",
    format="jpeg",
    width=800,
    height=600,
    quality=71,
    target_met=True,
    encodes=2,
    ssim=0.9731,
    bytes_in=100_000,
    bytes_out=49_000,
    fetch_ms=12,
    compress_ms=34,
)


def a_command(number: int) -> CompressImage:
    url = f"http://images.test/{number}.jpg"
    return CompressImage(
        request_id=REQUEST_ID,
        image_id=image_id(url),
        round=1,
        dispatch=1,
        attempt=1,
        url=url,
        options=CompressOptions(),
        start_by=datetime.now(UTC) + timedelta(hours=1),
        original_key=f"{originals_prefix(REQUEST_ID)}{number}",
        original_bytes=100_000,
        original_sha256=f"{number:064x}",
        fetch_ms=12,
    )


async def seconds_each(store: ObjectStore) -> float:
    """Seconds for one look-up and one record, on an idle machine."""
    same_bytes = SameBytesCache(store)
    started = time.perf_counter()
    for command in map(a_command, range(IMAGES)):
        async with same_bytes.lock(command):
            if await same_bytes.copy_result(command) is not None:
                raise RuntimeError("the store contains records of an earlier run")
            await same_bytes.record(command, RESULT)
    return (time.perf_counter() - started) / IMAGES


async def measure(url: str) -> None:
    store = open_object_store(url)
    await store.make()
    try:
        milliseconds = 1000 * await seconds_each(store)
        await store.delete([key async for key in store.list_keys(originals_prefix(REQUEST_ID))])
    finally:
        await store.close()
    sys.stdout.write(f"{IMAGES} images looked up and recorded: {milliseconds:.2f} ms each\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(os.environ.get("OBJECT_STORE_URL") or f"file://{folder}/store"))


if __name__ == "__main__":
    main()
