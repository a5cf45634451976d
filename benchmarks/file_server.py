"""An image host in its own process, so that its CPU time is not counted as the pipeline's."""

import asyncio
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.origin import image, open_origin


@contextmanager
def serve_files(paths: Sequence[Path]) -> Iterator[list[str]]:
    """Serve the files on a free loopback port; yields their URLs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs, list(paths)), daemon=True)
    server.start()
    try:
        yield ours.recv()
    finally:
        server.kill()
        server.join()


def _serve(pipe: Connection, paths: list[Path]) -> None:
    async def run() -> None:
        async with open_origin() as origin:
            pipe.send([origin.serve(f"/{path.name}", image(path.read_bytes())) for path in paths])
            await asyncio.Event().wait()

    asyncio.run(run())
