"""The end of a run: wait until the system is idle, then collect the facts."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pymongo.errors import PyMongoError

from shared.messaging.event_link import WITHOUT_CONFIRMS_SECONDS
from shared.storage import ObjectStore
from tests.chaos.broker_health import repair_broker
from tests.chaos.evidence import (
    Collector,
    due_deliveries,
    files_under,
    open_requests,
    queues,
    unexplained_dead_letters,
)
from tests.chaos.faults import UNCONFIRMED_FAULT
from tests.chaos.hosts import Hosts, Receivers
from tests.chaos.measure import measure
from tests.chaos.oracle import Facts, ProcessFacts
from tests.chaos.report import Figures
from tests.chaos.workload import Workload
from tests.chaos.world import World

_POLL_SECONDS = 1.0
_QUIET_SECONDS = 30.0
_LONG_SECONDS = 15.0
CLEAN_SECONDS = 300.0
"""After a finish: longer than a command of this run can be in use and two rounds of the gateway's cleaning."""

Done = Callable[[], Awaitable[bool]]


async def settle(world: World, clients: "asyncio.Task[None]", seconds: float) -> float:
    """Wait, `seconds` at most, until everything is idle and ready. Returns the seconds taken."""
    began = time.monotonic()
    url = world.servers.mongodb_url

    async def clients_are_done() -> bool:
        return clients.done()

    async def requests_have_ended() -> bool:
        return not await open_requests(url)

    async def webhooks_have_ended() -> bool:
        return not await due_deliveries(url)

    async def queues_are_empty() -> bool:
        return not any((await queues(world.servers)).values())

    async def copies_are_ready() -> bool:
        return not await world.copies.unready()

    await repair_broker(world)
    for done in (clients_are_done, requests_have_ended, webhooks_have_ended, queues_are_empty, copies_are_ready):
        left = max(_QUIET_SECONDS, began + seconds - time.monotonic())
        waited = time.monotonic()
        held = await _wait(done, left)
        took = time.monotonic() - waited
        if took > _LONG_SECONDS:
            world.tally.notes.append(f"{done.__name__.replace('_', ' ')}: {'' if held else 'not '}after {took:.0f} s")
    if clients.done() and not clients.cancelled():
        clients.result()
    clients.cancel()
    return time.monotonic() - began


async def cool_down(world: World, workload: Workload) -> None:
    """One more request: everything works, and the processes release what the faults left in them."""
    try:
        async with asyncio.timeout(_QUIET_SECONDS):
            await workload.one_request("after the faults")
    except TimeoutError:
        world.tally.notes.append("the request after the faults did not end in time")
    if world.tally.injected[UNCONFIRMED_FAULT]:
        # Only a new event shows that confirms come again; the channels of single events are closed after that.
        await asyncio.sleep(WITHOUT_CONFIRMS_SECONDS + _POLL_SECONDS)


async def _wait(done: Done, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if await done():
                return True
        except (OSError, PyMongoError):
            pass
        await asyncio.sleep(_POLL_SECONDS)
    return False


@dataclass
class Ending:
    """What the facts are made from. `warm`: see measure.measure."""

    world: World
    workload: Workload
    hosts: Hosts
    receivers: Receivers
    warm: Mapping[str, Mapping[str, int]]
    dead_letters: int = 0

    async def facts(self, store: ObjectStore, public_base_url: str) -> Facts:
        """Collect, then stop the services: what is left afterwards is a fact too."""
        world, servers = self.world, self.world.servers
        collector = Collector(world, store, public_base_url)
        end = await measure(world.copies)
        unready = await world.copies.unready()
        found = await collector.requests(self.workload.orders, self.hosts, self.receivers)
        recorded = {request.request_id for request in found}
        accepted = [each for order in self.workload.orders.values() for each in order.accepted]
        left = await queues(servers)
        dead, self.dead_letters = await unexplained_dead_letters(servers.rabbitmq_url)
        return Facts(
            requests=found,
            lost_requests=[each for each in accepted if each not in recorded],
            payloads={name: len(payloads) for name, payloads in world.observer.payloads.items()},
            bad_signatures=self.receivers.refused_signatures,
            queues=left,
            dead=dead,
            unready=unready,
            originals=await collector.originals(CLEAN_SECONDS),
            processes=[ProcessFacts(copy, self.warm.get(copy, {}), end[copy]) for copy in end],
            exits=await world.copies.stop_all(),
            temporary=list(files_under(world.home / "tmp")),
        )

    def figures(self, seed: int, seconds: float, facts: Facts, settled: float) -> Figures:
        world, tally, copies = self.world, self.world.tally, self.world.copies.names
        events = world.observer.copies
        states = Counter(image.state for request in facts.requests for image in request.images.values())
        webhooks = [webhook_id for webhook_id, _ in self.receivers.calls]
        return Figures(
            seed=seed,
            seconds=seconds,
            faults=tally.injected,
            counts={
                "requests": len(facts.requests),
                "rounds": sum(request.round for request in facts.requests),
                "images": sum(states.values()),
                **{f"images {state}": count for state, count in sorted(states.items())},
                "requests to hosts": self.hosts.requests(),
                "uploads without an answer": self.workload.answers_lost,
                "retries": self.workload.retries,
                "cancels": self.workload.cancels,
                "restarts of services": world.copies.starts - len(copies),
                "messages replayed": tally.replayed,
                "invalid messages": tally.invalid,
                "dead letters": self.dead_letters,
                "originals removed": tally.originals_removed,
                "events": sum(events.values()),
                "duplicates of events": sum(events.values()) - len(events),
                "webhooks": len(set(webhooks)),
                "further calls of webhooks": len(webhooks) - len(set(webhooks)),
                "seconds until idle": round(settled),
            },
            ended=[f"{each.copy}: status {each.status}: {each.last_line[:160]}" for each in world.copies.ended],
            notes=[*tally.notes, *tally.failed_injections, *self._notes()],
        )

    def _notes(self) -> list[str]:
        store = self.world.store
        notes = [] if store.has_own_disk else ["the store's disk was never full: this machine allows no file system"]
        if store.made_anew:
            notes.append(f"a service made a new store {store.made_anew} times while the store was away")
        return notes
