"""The hosts of the images and the receivers of the webhooks, good and bad."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from tests.support.origin import Origin, Response, image, open_origin, open_server
from tests.support.pictures import a_photo

_PICTURES = 60
_LARGE = 6
_GOOD_HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
_BAD_HOST = "127.0.0.5"
_HANG_SECONDS = 20.0

NOT_FOUND, NOT_AN_IMAGE = "http_404", "not_an_image"


class Hosts:
    """Serves pictures. Every URL is used once; `planned` has the error code of those that must fail."""

    def __init__(self, good: list[Origin], bad: Origin) -> None:
        self._good = good
        self._bad = bad
        self._pictures = [a_photo(number, 240, 180) for number in range(_PICTURES)]
        self._large = [a_photo(number, 1600, 1200) for number in range(_LARGE)]
        self._next = 0
        self.planned: dict[str, str] = {}

    def serve(self, dice: random.Random) -> str:
        """A new URL."""
        self._next += 1
        path = f"/{self._next}.jpg"
        picture = image(dice.choice(self._large if dice.random() < 0.02 else self._pictures))
        origin = dice.choice(self._good)
        kind = dice.random()
        if kind < 0.05:
            url = origin.serve(path, Response(status=404))
            self.planned[url] = NOT_FOUND
        elif kind < 0.07:
            url = origin.serve(path, Response(body=b"<html>no picture</html>" * 20))
            self.planned[url] = NOT_AN_IMAGE
        elif kind < 0.10:
            url = self._bad.serve(path, Response(status=503), picture)
        elif kind < 0.12:
            url = self._bad.serve(path, Response(status=429, headers={"Retry-After": "1"}), picture)
        elif kind < 0.14:
            url = self._bad.serve(path, Response(body=picture.body[:500], declared=len(picture.body)), picture)
        elif kind < 0.16:
            slow = Response(body=picture.body[:2000], byte_interval=0.001, declared=len(picture.body))
            url = self._bad.serve(path, slow, picture)
        else:
            url = origin.serve(path, picture)
        return url

    def requests(self) -> int:
        return sum(len(origin.requests) for origin in [*self._good, self._bad])


@dataclass
class Receivers:
    """Receives webhooks. The first part of the path says how: /ok, /hangs, /fails (both a few times) or /gone."""

    secret: str
    base_url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    refused_signatures: int = 0
    _tries: Counter[str] = field(default_factory=Counter)

    def url(self, dice: random.Random) -> str:
        kind = dice.choices(["ok", "hangs", "fails", "gone"], [6, 1, 1, 1])[0]
        return f"{self.base_url}/{kind}/{dice.randrange(10**9)}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        kind = first.split(" ")[1].split("/")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        status = await self._status(kind, headers, body)
        writer.write(f"HTTP/1.1 {status} Chaos\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()

    async def _status(self, kind: str, headers: dict[str, str], body: bytes) -> int:
        try:
            payload = Webhook(self.secret).verify(body, headers)
        except Exception:  # whatever is wrong with it, the oracle reports it
            self.refused_signatures += 1
            return 400
        webhook_id = headers["webhook-id"]
        self._tries[webhook_id] += 1
        self.calls.append((webhook_id, payload))
        if kind == "gone":
            return 410
        if kind == "fails" and self._tries[webhook_id] < 3:
            return 500
        if kind == "hangs" and self._tries[webhook_id] < 2:
            await asyncio.sleep(_HANG_SECONDS)
        self.accepted.add(webhook_id)
        return 204


@asynccontextmanager
async def open_hosts() -> AsyncIterator[Hosts]:
    async with AsyncExitStack() as stack:
        good = [await stack.enter_async_context(open_origin(host=host)) for host in _GOOD_HOSTS]
        yield Hosts(good, await stack.enter_async_context(open_origin(host=_BAD_HOST)))


@asynccontextmanager
async def open_receivers(secret: str) -> AsyncIterator[Receivers]:
    receivers = Receivers(secret)
    async with open_server(receivers.handle) as port:
        receivers.base_url = f"http://127.0.0.1:{port}"
        yield receivers
