"""The stack that a corpus runs through."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from deploy.local.stack import LocalStack

_SETTINGS = {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "LOG_LEVEL": "WARNING", "PUBLIC_BASE_URL": ""}
_SECONDS = 60


@asynccontextmanager
async def running_stack(out: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Yields a client of its gateway. It downloads from loopback, and keeps its data in the report's folder `out`."""
    async with (
        LocalStack(out / "stack", _SETTINGS) as stack,
        httpx.AsyncClient(base_url=stack.gateway_url, timeout=_SECONDS) as http,
    ):
        yield http
