"""What clients do meanwhile: waves of uploads, retries of what has just finished, cancels."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.hosts import Hosts, Receivers
from tests.support.stack import a_catalogue

_POLL_SECONDS = 0.5
_AGAIN_SECONDS = 1.0
_SMALLEST, _TYPICAL, _LARGEST = 5, 200, 600
_SHARE_LARGE, _SHARE_RETRIED, _SHARE_CANCELLED, _SHARE_WITHOUT_WEBHOOK = 0.04, 0.4, 0.15, 0.1
_SHARE_REPEATED = 0.05


@dataclass
class Order:
    """One catalogue as a client has sent it. Each upload of it has a file name of its own that begins with `name`."""

    name: str
    products: Sequence[Sequence[str]]
    webhook_url: str | None
    tries: int = 0
    accepted: list[str] = field(default_factory=list)
    cancelled: bool = False

    @property
    def images(self) -> int:
        return len({url for product in self.products for url in product})


@dataclass(frozen=True)
class Limits:
    """images: of a typical request, at most. at_once: requests of one wave."""

    images: int = _TYPICAL
    at_once: int = 4


class Workload:
    """Sends waves of requests. A wave that has begun is completed."""

    def __init__(self, gateways: Sequence[str], hosts: Hosts, receivers: Receivers, limits: Limits, seed: int) -> None:
        self._gateways = gateways
        self._hosts = hosts
        self._receivers = receivers
        self._limits = limits
        self._dice = random.Random(seed)
        self._client = httpx.AsyncClient(timeout=10)
        self.orders: dict[str, Order] = {}
        self.retries = 0
        self.cancels = 0
        self.answers_lost = 0

    async def run(self, over: asyncio.Event) -> None:
        """Send waves, each after the last one has ended, until `over` is set; return when all have ended."""
        wave = 0
        while not over.is_set():
            wave += 1
            count = self._dice.randint(1, self._limits.at_once)
            orders = [self._order(f"wave-{wave}-{number}") for number in range(1, count + 1)]
            seeds = [self._dice.randrange(2**32) for _ in orders]
            await asyncio.gather(
                *(self._follow(order, random.Random(seed), over) for order, seed in zip(orders, seeds, strict=True))
            )

    async def one_request(self, name: str) -> None:
        """One typical request, to its end."""
        order = self._order(name)
        await self._ended(await self._upload(order))

    async def close(self) -> None:
        await self._client.aclose()

    def _order(self, name: str) -> Order:
        dice = self._dice
        large = dice.random() < _SHARE_LARGE
        count = dice.randint(self._limits.images, 3 * self._limits.images) if large else self._typical()
        products: list[list[str]] = []
        urls: list[str] = []
        while len(urls) < count:
            repeated = urls and dice.random() < _SHARE_REPEATED
            urls.append(dice.choice(urls) if repeated else self._hosts.serve(dice))
            if not products or len(products[-1]) >= 4 or dice.random() < 0.3:
                products.append([])
            products[-1].append(urls[-1])
        webhook = None if dice.random() < _SHARE_WITHOUT_WEBHOOK else self._receivers.url(dice)
        order = self.orders[name] = Order(name, products, webhook)
        return order

    def _typical(self) -> int:
        return self._dice.randint(min(_SMALLEST, self._limits.images), self._limits.images)

    async def _follow(self, order: Order, dice: random.Random, over: asyncio.Event) -> None:
        request_id = await self._upload(order)
        if dice.random() < _SHARE_CANCELLED and not over.is_set():
            await asyncio.sleep(dice.uniform(0.2, 4))
            await self._cancel(order, request_id)
        await self._ended(request_id)
        if dice.random() < _SHARE_RETRIED and not over.is_set():
            await self._retry(request_id)
            await self._ended(request_id)

    async def _upload(self, order: Order) -> str:
        """Upload until one upload is answered. An earlier one may have been accepted without an answer."""
        while True:
            order.tries += 1
            file = (f"{order.name}-try-{order.tries}.csv", a_catalogue(order.products), "text/csv")
            data = {"webhook_url": order.webhook_url} if order.webhook_url else {}
            answer = await self._send("POST", "/upload", files={"file": file}, data=data)
            if answer is None:
                self.answers_lost += 1
            elif answer.status_code == 202:
                order.accepted.append(str(answer.json()["request_id"]))
                return order.accepted[-1]
            elif answer.status_code < 500:
                raise AssertionError(f"{order.name} was refused: {answer.text}")
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _cancel(self, order: Order, request_id: str) -> None:
        answer = await self._send("POST", f"/requests/{request_id}/cancel")
        if answer is None or answer.status_code < 300 or answer.status_code >= 500:
            order.cancelled = True  # or perhaps not: the answer is unknown
        if answer is not None and answer.status_code < 300:
            self.cancels += 1

    async def _retry(self, request_id: str) -> None:
        """As an impatient client does: twice, at once."""
        await asyncio.gather(*(self._send("POST", f"/requests/{request_id}/retry") for _ in range(2)))
        self.retries += 1

    async def _ended(self, request_id: str) -> None:
        while await self._status(request_id) in (None, "Pending"):
            await asyncio.sleep(_POLL_SECONDS)

    async def _status(self, request_id: str) -> str | None:
        answer = await self._send("GET", "/status", params={"request_id": request_id})
        return str(answer.json()["status"]) if answer is not None and answer.status_code == 200 else None

    async def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response | None:
        """The answer of any gateway; None if the chosen one did not answer."""
        base = self._dice.choice(self._gateways)
        try:
            return await self._client.request(method, base + path, **arguments)
        except httpx.HTTPError:
            return None


def order_of(filename: str, orders: Mapping[str, Order]) -> Order | None:
    """The order that an upload belongs to, by its file name."""
    return orders.get(filename.partition("-try-")[0])
