"""The composition root: creates and connects the parts of the aggregator."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial

import httpx

from services.aggregator.announce_request import RequestAnnouncer
from services.aggregator.call_webhook import WebhookCaller
from services.aggregator.deliver_webhook import WebhookDeliverer
from services.aggregator.finish_request import RequestFinisher
from services.aggregator.host_circuit_breaker import HostCircuitBreaker
from services.aggregator.outputs import CsvRules, OutputWriter
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
    RecordedResult,
    ResultsRecorded,
    SendTestWebhook,
)
from shared.long_lived import all_lasting
from shared.losses import LossPolicy
from shared.messaging import (
    Consumer,
    DependencyGate,
    Publish,
    Publisher,
    Queue,
    ReportSender,
    Subscription,
    open_broker,
)
from shared.observability import Metrics
from shared.outbound import GuardedClient, open_guarded_client
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
        reports = ReportSender(publisher.publish, _results_recorded, signs_of_life=False)
        # Only finishing needs the object store and the disk, so their loss delays neither results nor webhooks.
        recording = DependencyGate({"database": database.ping, "broker": broker.ping}, health)
        finishing = DependencyGate({"storage": store.ping, "disk": process.workspace.ping}, health, outer=[recording])
        subscriptions = [
            *_of_results(settings, database, store, metrics, reports.add),
            _of_requests(settings, database, store, publisher.publish, metrics),
            *_of_webhooks(settings.webhooks, database, client, metrics),
        ]
        # Before the check: from here on the process is ready only if it consumes.
        consumers = [
            Consumer(each, broker, publisher, finishing if each.queue is Queue.FINISH else recording, health, metrics)
            for each in subscriptions
        ]
        await finishing.check()
        consuming = [(each.name, each.run(stop, settings.rabbit.drain_timeout)) for each in consumers]
        await all_lasting([*consuming, ("sending reports", reports.run(stop, health))], stop)


def _of_results(
    settings: AggregatorSettings,
    database: Database,
    store: ObjectStore,
    metrics: Metrics,
    report: Callable[[RecordedResult], object],
) -> list[Subscription]:
    effects = ResultEffects(store, settings.public.public_base_url, keep_originals=settings.store.keep_originals)
    breaker = _host_circuit_breaker(settings.hosts, settings.age, database)
    new_deadline = partial(_new_deadline, settings.age, database)
    recorder = ResultRecorder(database.images, breaker, effects, metrics, new_deadline, report)
    return [
        Subscription(
            Queue.RESULTS,
            (ImageCompressed, ImageFailed, ImageDeferred),
            recorder,
            settings.results.results_concurrency,
        ),
        Subscription(
            Queue.LOST,
            (DownloadImage, CompressImage),
            LostRecorder(recorder, LossPolicy(settings.losses, random.random)),
            _LOST_CONCURRENCY,
            park_unknown=False,  # dead results, finishes and deliveries: the sweep sends their work again
        ),
    ]


def _of_requests(
    settings: AggregatorSettings, database: Database, store: ObjectStore, publish: Publish, metrics: Metrics
) -> Subscription:
    base_url, keep_originals = settings.public.public_base_url, settings.store.keep_originals
    finish = settings.finish
    rules = CsvRules(guard_formulas=finish.csv_formula_guard, always_bom=finish.csv_bom == "always")
    outputs = OutputWriter(database, store, base_url, rules)
    remove_originals = OriginalsRemover(store, keep_originals=keep_originals)
    announcer = RequestAnnouncer(database, publish, base_url)
    finisher = RequestFinisher(database, outputs, remove_originals, announcer, metrics)
    return Subscription(Queue.FINISH, (FinishRequest,), finisher, settings.finish.finish_concurrency)


def _of_webhooks(
    settings: WebhookSettings, database: Database, client: GuardedClient, metrics: Metrics
) -> list[Subscription]:
    call = WebhookCaller(client, settings, database.clock)
    deliverer = WebhookDeliverer(database.deliveries, call, settings, metrics, database.clock)
    return [
        Subscription(Queue.WEBHOOKS, (DeliverWebhook,), deliverer, settings.webhook_concurrency),
        Subscription(
            Queue.WEBHOOK_TESTS,
            (SendTestWebhook,),
            WebhookTestSender(call, database.clock),
            WEBHOOK_TESTS_AT_ONCE,
            park_unknown=False,
        ),
    ]


def _results_recorded(recorded: tuple[RecordedResult, ...]) -> ResultsRecorded:
    return ResultsRecorded(recorded=recorded)


def _new_deadline(settings: ImageAgeSettings, database: Database) -> datetime:
    return database.clock() + timedelta(seconds=settings.image_max_age)


def _host_circuit_breaker(settings: HostSettings, age: ImageAgeSettings, database: Database) -> HostCircuitBreaker:
    policy = PausePolicy(settings.host_faults, settings.host_pause, settings.host_pause_max, random.random)
    return HostCircuitBreaker(database, policy, age, database.clock)


def _webhook_client(settings: WebhookSettings) -> GuardedClient:
    # Keep no idle connections: deliveries are rare, and a connection that the receiver has closed costs an attempt.
    return open_guarded_client(
        settings.policy,
        user_agent=_USER_AGENT,
        timeout=httpx.Timeout(settings.webhook_timeout),
        max_idle=0,
    )
