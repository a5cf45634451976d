"""Runs the demo: starts the stack, does the work, stops everything."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from deploy.local.demo.client import Client
from deploy.local.demo.journey import travel
from deploy.local.demo.photos import PHOTOS, make_photos
from deploy.local.demo.promises import Promises
from deploy.local.demo.shop import open_shop
from deploy.local.demo.show import progress, show_journey, show_promises
from deploy.local.processes import living
from deploy.local.servers import prepare
from deploy.local.stack import LocalStack, new_webhook_secret
from deploy.local.supervisor import lock, supervise

INTERRUPTED = 130


def demo(home: Path) -> int:
    """Run the demo on its own stack under `home`; return 0 only if every promise held."""
    prepare()
    play = _Play(Console(highlight=False), Promises(), new_webhook_secret())
    with lock(home):
        stack = LocalStack(home, play.settings())
        status = asyncio.run(supervise(stack, play.start, play.work))
        play.promises.test("nothing is left running", not any(living(stack.home)))
    if status is None:
        return INTERRUPTED
    show_promises(play.console, play.promises)
    if not play.promises.all_held:
        play.console.print(f"Logs of the services: {stack.home}/logs/", soft_wrap=True)
        return 1
    return 0


@dataclass(frozen=True)
class _Play:
    console: Console
    promises: Promises
    secret: str

    def settings(self) -> dict[str, str]:
        return {
            "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
            "WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            "WEBHOOK_SECRET": self.secret,
            "PUBLIC_BASE_URL": "",  # that of the demo's own gateway; the environment may name another one
        }

    async def start(self, stack: LocalStack) -> None:
        began = time.monotonic()
        with self.console.status("Starting RabbitMQ, MongoDB and the four services ..."):
            await stack.start()
        self.console.print(f"RabbitMQ, MongoDB and the four services are up after {time.monotonic() - began:.1f} s.")

    async def work(self, stack: LocalStack) -> int:
        photos = stack.home / "photos"
        await asyncio.to_thread(make_photos, photos)
        with open_shop(photos) as shop:
            self.console.print(f"A shop at {shop.url} uploads its catalogue of {len(PHOTOS)} pictures.")
            try:
                async with Client(stack.gateway_url) as client:
                    with progress(self.console) as show:
                        journey = await travel(client, shop, self.secret, self.promises, show)
            except (httpx.HTTPError, OSError, TimeoutError, ValueError) as error:
                stack.check()
                self.promises.test(f"every result arrives: {error!r}", held=False)
                return 1
        show_journey(self.console, journey)
        return 0
