"""The composition root of the gateway: `run` shows the parts of the process, in the order in which they start."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

from services.gateway.api import ApiParts, build_app, build_starting_app
from services.gateway.background import (
    BackgroundParts,
    ImageCanceller,
    Intake,
    IntakeRules,
    Leftovers,
    Retention,
    Sweep,
    repeat,
)
from services.gateway.dispatch import Dispatcher, DispatchRules, HostRulebook, HostRules
from services.gateway.files import ObjectServer
from services.gateway.http_server import HttpServer, listen
from services.gateway.probe import ProbeClient, ProbeStream, probe_replies
from services.gateway.requests import RequestCanceller, RetryStarter
from services.gateway.settings import GatewaySettings, HostLimitSettings
from services.gateway.upload import UploadAcceptor, UploadValidator, ValidationRules
from services.gateway.webhooks import AggregatorClient, DeliveryLog, WebhookTester, webhook_test_replies
from shared.clocks import ReferenceClock, watched
from shared.contracts.messages import ImagesProbed, WebhookTested
from shared.long_lived import lasting
from shared.messaging import DependencyGate, Publish, Publisher, Replies, Reports, open_broker
from shared.observability import Health, HealthEndpoints, Metrics, process_registry, watchdog
from shared.persistence import LEASE_SECONDS, Database, RenewableLease, open_database
from shared.storage import ObjectStore, open_object_store
from shared.workspace import open_workspace

# A catalogue is read in a thread that keeps the interpreter busy, and the event loop waits one switch interval for each
# turn. With Python's default of 5 ms the slowest responses take three times as long.
_SWITCH_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class _Wakes:
    """What the API sets, so that a background task continues at once."""

    intake_opened: asyncio.Event = field(default_factory=asyncio.Event)
    cancel_begun: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class _Clients:
    """What the API asks of other services."""

    probe: ProbeClient
    aggregator: AggregatorClient


@dataclass(frozen=True, slots=True)
class _BackgroundWork:
    """lease: held by the gateway that dispatches."""

    parts: BackgroundParts
    store: ObjectStore
    lease: RenewableLease
    dispatcher: Dispatcher


@dataclass(frozen=True)
class _Gates:
    """The gates of the background tasks. Only intake needs the disk."""

    intake: DependencyGate
    others: DependencyGate


async def run(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish the work in progress.

    The parts stop in reverse order. Until the database answers, only the health endpoints work.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    registry = process_registry()
    metrics = Metrics(registry)
    health = Health(metrics.ready, settings.observability.stall_timeout)
    health.set_ready("database", False, "not connected yet")  # others are recorded before it
    endpoints = HealthEndpoints(health, registry)
    wakes = _Wakes()
    async with AsyncExitStack() as parts:
        parts.enter_context(watchdog(health))
        http = HttpServer(build_starting_app(endpoints), settings.rabbit.drain_timeout, settings.api.trusted_proxies)
        parts.push_async_callback(http.stop)
        await http.start(listen(settings.api.gateway_host, settings.public.gateway_port))

        workspace = await parts.enter_async_context(open_workspace("gateway", health, stop))
        store = open_object_store(settings.store.object_store_url)
        parts.push_async_callback(store.close)
        database = await parts.enter_async_context(open_database(settings.mongo, stop, metrics=metrics))
        store_clock = ReferenceClock(store.time)
        skew_max = settings.observability.clock_skew_max
        await parts.enter_async_context(watched(database.server_clock, "database", skew_max, metrics, health))
        # A store whose clock is off makes the workers unready, and not the API.
        await parts.enter_async_context(watched(store_clock, "storage", skew_max, metrics))
        pings = {"database": database.ping, "storage": store_clock.measured_by(store.ping)}
        stored_gate = DependencyGate(pings, health)
        uploads_gate = DependencyGate({"disk": workspace.ping}, health, outer=[stored_gate])
        await uploads_gate.check()

        clients = _Clients(
            ProbeClient(settings.api.probe_timeout, store_clock),
            AggregatorClient(settings.webhook_targets.webhook_timeout),
        )
        http.app = build_app(_api_parts(settings, database, store, clients, metrics, wakes), endpoints, uploads_gate)
        parts.push_async_callback(http.stop)  # requests in progress need the database: finish them before it closes

        broker = await parts.enter_async_context(open_broker(settings.rabbit, "gateway", stop))
        publisher = Publisher(broker, metrics)
        replies = parts.enter_context(_connected(clients, publisher.publish))
        # Without the broker the process stays ready: it accepts uploads, and their images wait in the database.
        gate = DependencyGate({"broker": broker.ping}, health, required=(), outer=[stored_gate])
        gates = _Gates(intake=DependencyGate({}, health, outer=[gate, uploads_gate]), others=gate)

        background = BackgroundParts(database, publisher.publish, database.clock, metrics)
        lease = RenewableLease(database.lease("dispatch", LEASE_SECONDS), LEASE_SECONDS)
        rules = DispatchRules(settings.dispatch, _rulebook(settings.hosts), settings.age, store_clock)
        work = _BackgroundWork(background, store, lease, Dispatcher(background, lease, rules))
        async with asyncio.TaskGroup() as tasks:
            for each in (*replies, Reports(work.dispatcher.take)):
                tasks.create_task(lasting("receiving replies and reports", each.receive(broker, health, stop), stop))
            await _work_in_background(settings, work, gates, wakes, stop)


@contextmanager
def _connected(clients: _Clients, publish: Publish) -> Iterator[tuple[Replies[ImagesProbed], Replies[WebhookTested]]]:
    """Connect the clients to the broker until the context ends. Yields the receivers of their replies."""
    with (
        closing(probe_replies()) as probes,
        closing(webhook_test_replies()) as tests,
        clients.probe.connected(publish, probes),
        clients.aggregator.connected(publish, tests),
    ):
        yield probes, tests


def _api_parts(
    settings: GatewaySettings,
    database: Database,
    store: ObjectStore,
    clients: _Clients,
    metrics: Metrics,
    wakes: _Wakes,
) -> ApiParts:
    return ApiParts(
        validator=_validator(settings),
        acceptor=UploadAcceptor(
            database, store, database.clock, wakes.intake_opened, metrics, settings.retention.policy
        ),
        probes=ProbeStream(clients.probe, database.hosts, metrics, database.clock, settings.hosts),
        database=database,
        cancellations=RequestCanceller(database, database.clock, wakes.cancel_begun),
        retries=RetryStarter(database, database.clock, wakes.intake_opened),
        webhook_tester=WebhookTester(clients.aggregator, settings.webhook_targets.policy),
        deliveries=DeliveryLog(database, clients.aggregator.send_due, database.clock),
        objects=ObjectServer(store),
        public_base_url=settings.public.public_base_url,
        clock=database.clock,
    )


def _validator(settings: GatewaySettings) -> UploadValidator:
    rules = ValidationRules(
        limits=settings.catalogue.limits,
        body_limits=settings.api.body_limits,
        fetch_policy=settings.fetch_targets.policy,
        webhook_policy=settings.webhook_targets.policy,
        defaults=settings.default_options.options,
        retention=settings.retention.policy,
    )
    return UploadValidator(rules, settings.api.inspections_at_once)


def _rulebook(settings: HostLimitSettings) -> HostRulebook:
    defaults = HostRules(settings.host_start, settings.host_max, settings.host_rate)
    return HostRulebook(defaults, settings.overrides)


async def _work_in_background(
    settings: GatewaySettings,
    work: _BackgroundWork,
    gates: _Gates,
    wakes: _Wakes,
    stop: asyncio.Event,
) -> None:
    """Intake runs on every gateway; the other tasks on the one that holds the dispatch lease.

    A stop takes at most 10 seconds, even if the database does not answer: half of it for the tasks, which end at the
    same time, and half for the lease. The responses in progress get DRAIN_TIMEOUT after that.
    """
    parts, store, lease, dispatcher = work.parts, work.store, work.lease, work.dispatcher
    dispatch, gate = settings.dispatch, gates.others
    rules = IntakeRules(settings.fetch_targets.policy, settings.public.public_base_url)
    intake = Intake(parts, store, rules, gates.intake, dispatcher.images_added)
    canceller = ImageCanceller(parts, lease, dispatch)
    sweep = Sweep(parts, lease, dispatch)
    retention = Retention(parts, store, lease, settings.retention.policy.default, dispatch.sweep_interval)
    leftovers = Leftovers(parts, store, lease, dispatch, keep=settings.store.keep_originals)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(repeat("intake", partial(intake.step, stop), gates.intake, stop, wake=wakes.intake_opened))
        tasks.create_task(repeat("dispatch", dispatcher.step, gate, stop, wake=dispatcher.wake))
        tasks.create_task(repeat("cancel", canceller.step, gate, stop, wake=wakes.cancel_begun))
        tasks.create_task(repeat("sweep", sweep.step, gate, stop, wake=asyncio.Event()))
        tasks.create_task(repeat("retention", retention.step, gate, stop, wake=asyncio.Event()))
        tasks.create_task(repeat("leftovers", leftovers.step, gate, stop, wake=asyncio.Event()))
        await stop.wait()
        await intake.drain()
    await lease.release()
