"""A Python process that does not outlive its test."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.support.tree import ROOT


@asynccontextmanager
async def own_process(
    *arguments: str, variables: Mapping[str, str] | None = None, stderr: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run Python with `arguments` in the tree. `variables` are added to the environment; `stderr` as in subprocess."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, env=os.environ | dict(variables or {}), stderr=stderr
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
