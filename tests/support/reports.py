"""Receives the reports to the dispatcher, as a gateway does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from shared.contracts.messages import Report
from shared.messaging import Broker, Reports
from shared.observability import Health
from tests.support.waiting import until


@asynccontextmanager
async def reports_to(take: Callable[[Report], object], broker: Broker) -> AsyncIterator[None]:
    """Passes each report to `take` until the end of the block."""
    reports, stop = Reports(take), asyncio.Event()
    receiving = asyncio.create_task(reports.receive(broker, Health(), stop))
    try:
        await until(lambda: reports._queue.name is not None, what="reports are received")
        yield
    finally:
        stop.set()
        await receiving
