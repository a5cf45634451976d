"""A client of the running stack that does what users do: upload, poll the status, read the CSVs."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.waiting import until

HEADER = ("S. No.", "Product Name", "Input Image Urls")
OUTPUT_COLUMN = "Output Image Urls"


@dataclass(frozen=True)
class StackClient:
    """Requests go through `http`, whose base URL is the gateway's."""

    http: httpx.AsyncClient

    async def upload(self, catalogue: bytes, **options: str) -> str:
        """Upload as multipart/form-data. Returns the request's id."""
        answer = await self.http.post("/upload", files={"file": ("products.csv", catalogue, "text/csv")}, data=options)
        assert answer.status_code == 202, answer.text
        assert answer.json()["status"] == "Pending"
        return str(answer.json()["request_id"])

    async def status(self, request_id: str) -> dict[str, Any]:
        answer = await self.http.get("/status", params={"request_id": request_id})
        assert answer.status_code == 200, answer.text
        known: dict[str, Any] = answer.json()
        return known

    async def finished(self, request_id: str, seconds: float = 60) -> dict[str, Any]:
        """Poll until the request is no longer Pending; the gateway may be down meanwhile. Returns the status."""
        last: dict[str, Any] = {}

        async def ended() -> bool:
            try:
                last.update(await self.status(request_id))
            except (httpx.HTTPError, AssertionError):
                return False
            return bool(last["status"] != "Pending")

        await until(ended, seconds, lambda: f"still not finished: {last}")
        return last

    async def table(self, url: str) -> list[dict[str, str]]:
        """The rows of a CSV served by the gateway."""
        answer = await self.http.get(url)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def a_catalogue(products: Sequence[Sequence[str]]) -> bytes:
    """A CSV with one row per product; a product is a list of image URLs."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows((number, f"Product {number}", ",".join(urls)) for number, urls in enumerate(products, 1))
    return text.getvalue().encode()
