"""A Python process that does not outlive its test."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.tree import ROOT


@asynccontextmanager
async def own_process(
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    stdout: int | None = None,
    stderr: int | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run Python with `arguments` in `folder`; kill it at the end if it still runs.

    `variables` are added to the environment; `stdout` and `stderr` as in subprocess.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=os.environ | dict(variables or {}), stdout=stdout, stderr=stderr
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
