"""One run: start everything, run faults and clients, remove the faults, wait, collect the facts, judge."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.processes import end_leftovers
from deploy.local.stack import new_webhook_secret
from shared.storage import open_object_store
from tests.chaos.amqp import attend, decode_leniently
from tests.chaos.copies import Copies
from tests.chaos.ending import Ending, cool_down, settle
from tests.chaos.faults import FAULTS, Database, Fault
from tests.chaos.hosts import Hosts, Receivers, open_hosts, open_receivers
from tests.chaos.injecting import inject_all
from tests.chaos.measure import measure
from tests.chaos.oracle import Verdict, judge
from tests.chaos.report import Figures
from tests.chaos.schedule import Injection, schedule
from tests.chaos.servers import ChaosServers, open_servers
from tests.chaos.store import ChaosStore
from tests.chaos.workload import Limits, Workload
from tests.chaos.world import World
from tests.support.service_process import a_store
from tests.support.waiting import until

READY_SECONDS = 90.0
LEFTOVER_SECONDS = 15

SETTINGS = {
    "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
    "WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    "FETCH_RETRY_SCHEDULE": "[0.5, 1, 2]",
    "WEBHOOK_SCHEDULE": "[1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3]",
    "WEBHOOK_TIMEOUT": "3",
    "SWEEP_INTERVAL": "1",
    "DRAIN_TIMEOUT": "10",
    "HOST_PAUSE": "1",
    "HOST_PAUSE_MAX": "5",
    "COMMAND_START_BY": "60",
    "LONGEST_HANDLER": "30",
    "COMPRESS_TIMEOUT": "10",
    "FETCH_TOTAL_TIMEOUT": "15",
    "COMPRESS_PROCESSES": "1",
}
"""Short waits; every other setting has its default."""


@dataclass(frozen=True)
class Plan:
    """minutes: of faults. slow: also faults that take a minute."""

    seed: int
    minutes: float
    limits: Limits = field(default_factory=Limits)
    slow: bool = True
    replica_set: bool = False
    containers: bool = False
    settle_seconds: float = 400

    @property
    def faults(self) -> list[Fault]:
        other = Database.SINGLE if self.replica_set else Database.REPLICA_SET
        return [fault for fault in FAULTS.values() if (self.slow or not fault.slow) and fault.only is not other]

    @property
    def injections(self) -> list[Injection]:
        return schedule(self.seed, 60 * self.minutes, [fault.kind for fault in self.faults])


async def run(plan: Plan, home: Path) -> tuple[Figures, Verdict]:
    """A whole run, with everything that it writes under `home`."""
    decode_leniently()
    ports = Ports(home / "ports.json")
    temporary = home / "tmp"
    for folder in (temporary, home / "tasks"):
        folder.mkdir(parents=True)
    store = ChaosStore(home)
    try:
        async with AsyncExitStack() as stack:
            store.open()
            stack.callback(store.close)
            await a_store(store.root)
            servers = await stack.enter_async_context(
                open_servers(home, ports, replica_set=plan.replica_set, containers=plan.containers)
            )
            secret = new_webhook_secret()
            hosts = await stack.enter_async_context(open_hosts())
            receivers = await stack.enter_async_context(open_receivers(secret))
            environment = _environment(ports, servers, store, secret, temporary)
            world = World(home, Copies(home, ports, environment), servers, store)
            await stack.enter_async_context(_running(world))
            return await _work(plan, world, hosts, receivers)
    finally:
        await end_leftovers(home, LEFTOVER_SECONDS)


def _environment(
    ports: Ports, servers: ChaosServers, store: ChaosStore, secret: str, temporary: Path
) -> dict[str, str]:
    return {
        **os.environ,
        **SETTINGS,
        "GATEWAY_HOST": "127.0.0.1",
        "TMPDIR": str(temporary),
        "OBJECT_STORE_URL": store.url,
        "PUBLIC_BASE_URL": f"http://localhost:{ports['gateway-0']}",
        "WEBHOOK_SECRET": secret,
        "RABBITMQ_URL": servers.proxied_rabbitmq_url,
        "MONGODB_URL": servers.proxied_mongodb_url,
    }


@asynccontextmanager
async def _running(world: World) -> AsyncIterator[None]:
    """The copies, their supervisor, and the other programs on the broker."""
    copies, url = world.copies, world.servers.rabbitmq_url
    copies.start_all()
    works = (world.observer.attach, world.tap.attach, world.third_party.attach)
    tasks = [asyncio.create_task(copies.supervise())]

    async def all_ready() -> bool:
        return not await copies.unready()

    try:
        await until(all_ready, READY_SECONDS, "every copy is ready")
        tasks += [asyncio.create_task(attend(url, work)) for work in works]
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _work(plan: Plan, world: World, hosts: Hosts, receivers: Receivers) -> tuple[Figures, Verdict]:
    workload = Workload(world.copies.gateway_urls(), hosts, receivers, plan.limits, plan.seed)
    await workload.one_request("before the faults")
    warm = await measure(world.copies)
    clients = asyncio.create_task(workload.run(world.over))
    await inject_all(world, plan.injections, 60 * plan.minutes)
    ending = Ending(world, workload, hosts, receivers, warm)
    settled = await settle(world, clients, plan.settle_seconds)
    await cool_down(world, workload)
    await settle(world, clients, plan.settle_seconds)
    store = open_object_store(world.store.url)
    try:
        facts = await ending.facts(store, world.copies.gateway_urls()[0])
    finally:
        await store.close()
        await workload.close()
    return ending.figures(plan.seed, 60 * plan.minutes, facts, settled), judge(facts)
