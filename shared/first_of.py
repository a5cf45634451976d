"""Waiting for the first of several events."""

import asyncio


async def first_of(*events: asyncio.Event, within: float | None = None) -> None:
    """Wait until one of the events is set, or for `within` seconds at most."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
