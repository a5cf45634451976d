"""A client of the stack for benchmarks: one request, from the upload to its end."""

import asyncio
import csv
import io
from collections.abc import Iterable
from typing import Any

import httpx


def catalogue(urls: Iterable[str]) -> str:
    """A CSV with one product per URL."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("S. No.", "Product Name", "Input Image Urls"))
    writer.writerows((number, f"Product {number}", url) for number, url in enumerate(urls, 1))
    return text.getvalue()


async def upload(http: httpx.AsyncClient, text: str, **options: str) -> str:
    """Upload a catalogue; returns the address of the request's status."""
    answer = await http.post("/upload", files={"file": ("bench.csv", text)}, data=options)
    answer.raise_for_status()
    return answer.headers["location"]


async def ended(http: httpx.AsyncClient, location: str, images: int, poll: float = 0.25) -> dict[str, Any]:
    """Wait until the request has ended; returns its status. Raises RuntimeError unless all images were compressed.

    poll: seconds between two requests of the status; each costs the gateway a millisecond or two.
    """
    while (status := (await http.get(location)).json())["status"] == "Pending":
        await asyncio.sleep(poll)
    if status["progress"]["compressed"] != images:
        raise RuntimeError(f"not all images were compressed: {status}")
    known: dict[str, Any] = status
    return known
