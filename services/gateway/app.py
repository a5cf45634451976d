"""The composition root: what the gateway is made of, from the outside in."""

import asyncio
import sys
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from functools import partial

from services.gateway.api.app import build_app, build_starting_app
from services.gateway.api.routes.objects import objects_router
from services.gateway.api.routes.retry import retry_router
from services.gateway.api.routes.status import status_router
from services.gateway.api.routes.uploads import uploads_router, validation_router
from services.gateway.background.dispatcher import Dispatcher
from services.gateway.background.intake import Intake
from services.gateway.background.loop import repeat
from services.gateway.background.retention import Retention
from services.gateway.background.sweep import Sweep
from services.gateway.files.serve import Objects
from services.gateway.probe.client import Prober
from services.gateway.probe.stream import ProbedValidations
from services.gateway.requests.retry import Retries
from services.gateway.settings import DispatchSettings, GatewaySettings
from services.gateway.upload.accept import Uploads
from services.gateway.upload.validate import InspectionRules, Inspections
from services.gateway.web.server import HttpServer, listen
from shared.errors import DependencyUnavailable
from shared.messaging import DependencyGate, Publish, Publisher, Replies, open_broker
from shared.observability import Health, HealthEndpoints, Metrics, process_registry
from shared.persistence import Database, RenewableLease, open_database
from shared.storage import ObjectStore, open_object_store

_DISPATCH_LEASE_SECONDS = 10.0
# A catalogue is read by a thread that never lets go of the interpreter by itself, and each answer that the event loop
# waits for then waits as long again. With Python's 5 ms the slowest answers take three times as long.
_SWITCH_SECONDS = 0.001


async def run(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; then finish what is in hand."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    registry = process_registry()
    metrics = Metrics(registry)
    health = Health(metrics.ready)
    answers = HealthEndpoints(health, registry)
    arrived = asyncio.Event()
    async with AsyncExitStack() as open_things:
        http = HttpServer(build_starting_app(answers), settings.rabbit.drain_timeout)
        open_things.push_async_callback(http.stop)
        await http.start(listen(settings.api.gateway_host, settings.public.gateway_port))
        store = open_object_store(settings.store.object_store_url)
        open_things.push_async_callback(store.close)
        database = await open_things.enter_async_context(open_database(settings.mongo, stop))
        answering = DependencyGate({"database": database.ping, "storage": store.ping}, health)
        inspections = _inspections(settings)
        prober = Prober(settings.api.probe_timeout, _now)
        http.app = build_app(
            (
                uploads_router(inspections, Uploads(database, store, _now, arrived, metrics)),
                validation_router(inspections, ProbedValidations(prober, metrics)),
                status_router(database, settings.public.public_base_url, _now),
                retry_router(Retries(database, settings.dispatch.retention_days, _now, arrived)),
                objects_router(Objects(store)),
            ),
            answers,
            answering,
        )
        # Requests under way need the database, so they finish before it is closed.
        open_things.push_async_callback(http.stop)
        broker = await open_things.enter_async_context(open_broker(settings.rabbit, "gateway", stop))
        publisher = await open_things.enter_async_context(
            Publisher.open(broker, settings.rabbit.publish_timeout, metrics)
        )
        replies = await open_things.enter_async_context(Replies.open(broker))
        open_things.enter_context(prober.connected(publisher.publish, replies))
        # Ready without the broker: uploads are accepted all the same, and what follows waits in the database.
        gate = DependencyGate({"broker": broker.ping}, health, unready_without=(), behind=answering)
        taken_in = asyncio.Event()
        lease = RenewableLease(database.lease("dispatch", _DISPATCH_LEASE_SECONDS), _DISPATCH_LEASE_SECONDS)
        intake = _intake(settings, database, store, publisher.publish, gate, taken_in)
        dispatcher = _dispatcher(settings.dispatch, database, publisher.publish, lease, metrics)
        retention = Retention(database, store, lease, settings.dispatch.retention_days, _now)
        sweep = _sweep(settings.dispatch, database, publisher.publish, lease, metrics)
        async with asyncio.TaskGroup() as work:
            work.create_task(repeat("intake", partial(intake.step, stop), gate, stop, arrived))
            work.create_task(repeat("dispatch", dispatcher.step, gate, stop, taken_in))
            work.create_task(repeat("sweep", sweep.step, gate, stop, asyncio.Event()))
            work.create_task(repeat("retention", retention.step, gate, stop, asyncio.Event()))
        await intake.drain()
        with suppress(DependencyUnavailable):  # it runs out by itself
            await lease.release()


def _inspections(settings: GatewaySettings) -> Inspections:
    rules = InspectionRules(
        limits=settings.catalogue.limits,
        body_limits=settings.api.body_limits,
        fetch_policy=settings.fetch_targets.policy,
        webhook_policy=settings.webhook_targets.policy,
        defaults=settings.default_options.options,
    )
    return Inspections(rules, settings.api.inspections_at_once)


def _intake(
    settings: GatewaySettings,
    database: Database,
    store: ObjectStore,
    publish: Publish,
    gate: DependencyGate,
    taken_in: asyncio.Event,
) -> Intake:
    return Intake(
        database=database,
        store=store,
        publish=publish,
        policy=settings.fetch_targets.policy,
        image_max_age=settings.dispatch.image_max_age,
        public_base_url=settings.public.public_base_url,
        clock=_now,
        gate=gate,
        taken_in=taken_in,
    )


def _dispatcher(
    settings: DispatchSettings, database: Database, publish: Publish, lease: RenewableLease, metrics: Metrics
) -> Dispatcher:
    return Dispatcher(
        database=database,
        publish=publish,
        lease=lease,
        window=settings.dispatch_window,
        per_host=settings.dispatch_per_host,
        start_by=settings.command_start_by,
        reuse_days=settings.reuse_days,
        clock=_now,
        metrics=metrics,
    )


def _sweep(
    settings: DispatchSettings, database: Database, publish: Publish, lease: RenewableLease, metrics: Metrics
) -> Sweep:
    return Sweep(
        database=database,
        publish=publish,
        lease=lease,
        interval=settings.sweep_interval,
        lost_after=settings.lost_after,
        clock=_now,
        metrics=metrics,
    )


def _now() -> datetime:
    return datetime.now(UTC)
