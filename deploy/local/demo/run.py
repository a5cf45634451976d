"""Runs the demo: starts the stack, does the work, stops everything."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from deploy.local.demo.checks import Checks
from deploy.local.demo.client import Client
from deploy.local.demo.photos import PHOTOS, make_photos
from deploy.local.demo.request import process_catalogue
from deploy.local.demo.shop import open_shop
from deploy.local.demo.show import progress, show_checks, show_results
from deploy.local.processes import living
from deploy.local.servers import prepare
from deploy.local.stack import LocalStack, new_webhook_secret
from deploy.local.supervisor import lock, supervise

INTERRUPTED = 130


def demo(home: Path) -> int:
    """Run the demo on its own stack under `home`; return 0 only if every promise held."""
    prepare()
    run = _Run(Console(highlight=False), Checks(), new_webhook_secret())
    with lock(home):
        stack = LocalStack(home, run.settings())
        status = asyncio.run(supervise(stack, run.start, run.work))
        run.checks.add("nothing is left running", not any(living(stack.home)))
    if status is None:
        return INTERRUPTED
    show_checks(run.console, run.checks)
    if not run.checks.all_held:
        run.console.print(f"Logs of the services: {stack.home}/logs/", soft_wrap=True)
        return 1
    return 0


@dataclass(frozen=True)
class _Run:
    console: Console
    checks: Checks
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
                        results = await process_catalogue(client, shop, self.secret, self.checks, show)
            except (httpx.HTTPError, OSError, TimeoutError, ValueError) as error:
                stack.check()
                self.checks.add(f"every result arrives: {error!r}", held=False)
                return 1
        show_results(self.console, results)
        return 0
