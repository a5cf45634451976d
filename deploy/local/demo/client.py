"""A client of the API: uploads, polls the status, fetches the results."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx

POLL_SECONDS = 0.3

Status = dict[str, Any]


class Client:
    """Calls the gateway at `url`. An unexpected status raises httpx.HTTPStatusError."""

    def __init__(self, url: str) -> None:
        # All requests stay on this machine, so proxies in the environment are ignored.
        self._http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._http.aclose()

    async def upload(self, catalogue: str, webhook_url: str) -> httpx.Response:
        file = {"file": ("products.csv", catalogue.encode(), "text/csv")}
        answer = await self._http.post("/upload", files=file, data={"webhook_url": webhook_url})
        return answer.raise_for_status()

    async def finished(self, request_id: str, show: Callable[[Status], None], within: float) -> Status:
        """Poll the status until it is no longer Pending; pass each status to `show`.

        Raises:
            TimeoutError: it was still Pending after `within` seconds.
        """
        async with asyncio.timeout(within):
            while True:
                answer = await self.get(f"/status?request_id={request_id}")
                status: Status = answer.json()
                show(status)
                if status["status"] != "Pending":
                    return status
                await asyncio.sleep(POLL_SECONDS)

    async def get(self, url: str) -> httpx.Response:
        return (await self._http.get(url)).raise_for_status()

    async def head(self, url: str) -> httpx.Response:
        return (await self._http.head(url)).raise_for_status()
