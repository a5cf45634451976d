"""The composition root: creates and connects the parts of the aggregator."""

import asyncio
import random
from contextlib import AsyncExitStack

import httpx

from services.aggregator.announce_request import RequestAnnouncer
from services.aggregator.call_webhook import WebhookCaller
from services.aggregator.deliver_webhook import WebhookDeliverer
from services.aggregator.finish_request import RequestFinisher
from services.aggregator.host_circuit_breaker import HostCircuitBreaker
from services.aggregator.outputs import OutputWriter
from services.aggregator.pause_policy import PausePolicy
from services.aggregator.record_result import LostRecorder, ResultRecorder
from services.aggregator.remove_originals import OriginalsRemover
from services.aggregator.result_effects import ResultEffects
from services.aggregator.send_test_webhook import WebhookTestSender
from services.aggregator.settings import AggregatorSettings, HostSettings, WebhookSettings
from shared.clocks import watched
from shared.contracts.messages import (
    WEBHOOK_TESTS_AT_ONCE,
    CompressImage,
    DeliverWebhook,
    DownloadImage,
    FinishRequest,
    ImageCompressed,
    ImageDeferred,
    ImageFailed,
    SendTestWebhook,
)
from shared.long_lived import all_lasting
from shared.losses import LossPolicy
from shared.messaging import Consumer, DependencyGate, Publish, Publisher, Queue, Subscription, open_broker
from shared.observability import Metrics
from shared.outbound import open_guarded_client
from shared.persistence import Database, open_database
from shared.settings import ImageAgeSettings
from shared.storage import ObjectStore
from shared.worker_process import open_worker_process

_LOST_CONCURRENCY = 10
_USER_AGENT = "imagemill-webhooks"


async def run(settings: AggregatorSettings, stop: asyncio.Event) -> None:
    """Handle messages until `stop` is set; then finish those in progress."""
    async with AsyncExitStack() as open_things:
        process = await open_things.enter_async_context(
            open_worker_process("aggregator", settings.observability, settings.store, stop)
        )
        metrics, health, store = process.metrics, process.health, process.store
        database = await open_things.enter_async_context(open_database(settings.mongo, stop, metrics=metrics))
        skew_max = settings.observability.clock_skew_max
        await open_things.enter_async_context(watched(database.server_clock, "database", skew_max, metrics, health))
        client = await open_things.enter_async_context(_webhook_client(settings.webhooks))
        broker = await open_things.enter_async_context(open_broker(settings.rabbit, "aggregator", stop))
        publisher = Publisher(broker, metrics)
        # Only finishing needs the object store and the disk, so their loss delays neither results nor webhooks.
        recording = DependencyGate({"database": database.ping, "broker": broker.ping}, health)
        finishing = DependencyGate({"storage": store.ping, "disk": process.workspace.ping}, health, outer=[recording])
        # Before the check: from here on the process is ready only if it consumes.
        consumers = [
            Consumer(each, broker, publisher, finishing if each.queue is Queue.FINISH else recording, health, metrics)
            for each in _subscriptions(settings, database, store, client, publisher.publish, metrics)
        ]
        await finishing.check()
        consuming = ((each.name, each.run(stop, settings.rabbit.drain_timeout)) for each in consumers)
        await all_lasting(consuming, stop)


def _subscriptions(
    settings: AggregatorSettings,
    database: Database,
    store: ObjectStore,
    client: httpx.AsyncClient,
    publish: Publish,
    metrics: Metrics,
) -> list[Subscription]:
    base_url, keep_originals = settings.public.public_base_url, settings.store.keep_originals
    effects = ResultEffects(store, base_url, keep_originals=keep_originals)
    outputs = OutputWriter(database, store, base_url, guard_formulas=settings.finish.csv_formula_guard)
    remove_originals = OriginalsRemover(store, keep_originals=keep_originals)
    announcer = RequestAnnouncer(database, publish, base_url)
    finisher = RequestFinisher(database, outputs, remove_originals, announcer, metrics)
    breaker = _host_circuit_breaker(settings.hosts, settings.age, database)
    recorder = ResultRecorder(database.images, breaker, effects, metrics, settings.age, database.clock)
    call = WebhookCaller(client, settings.webhooks, database.clock)
    deliverer = WebhookDeliverer(database.deliveries, call, settings.webhooks, metrics, database.clock)
    return [
        Subscription(
            Queue.RESULTS,
            (ImageCompressed, ImageFailed, ImageDeferred),
            recorder,
            settings.results.results_concurrency,
        ),
        Subscription(Queue.FINISH, (FinishRequest,), finisher, settings.finish.finish_concurrency),
        Subscription(Queue.WEBHOOKS, (DeliverWebhook,), deliverer, settings.webhooks.webhook_concurrency),
        Subscription(
            Queue.WEBHOOK_TESTS,
            (SendTestWebhook,),
            WebhookTestSender(call, database.clock),
            WEBHOOK_TESTS_AT_ONCE,
            park_unknown=False,
        ),
        Subscription(
            Queue.LOST,
            (DownloadImage, CompressImage),
            LostRecorder(recorder, LossPolicy(settings.losses, random.random)),
            _LOST_CONCURRENCY,
            park_unknown=False,  # dead results, finishes and deliveries: the sweep sends their work again
        ),
    ]


def _host_circuit_breaker(settings: HostSettings, age: ImageAgeSettings, database: Database) -> HostCircuitBreaker:
    policy = PausePolicy(settings.host_faults, settings.host_pause, settings.host_pause_max, random.random)
    return HostCircuitBreaker(database, policy, age, database.clock)


def _webhook_client(settings: WebhookSettings) -> httpx.AsyncClient:
    # Keep no idle connections: deliveries are rare, and a connection that the receiver has closed costs an attempt.
    return open_guarded_client(
        settings.policy,
        user_agent=_USER_AGENT,
        timeout=httpx.Timeout(settings.webhook_timeout),
        max_idle=0,
    )
