"""The composition root of the downloader."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from services.downloader.fetch import Fetcher, FetchLimits
from services.downloader.handler import DownloadHandler
from services.downloader.host_limiter import HostLimiter
from services.downloader.http_requester import HttpRequester
from services.downloader.outcomes import FetchRetryPolicy
from services.downloader.probe import ProbeHandler, UrlProber
from services.downloader.reports import DownloadReports
from services.downloader.settings import DownloaderSettings, FetchSettings
from shared.alone_runs import with_alone_runs
from shared.clocks import ReferenceClock, watched
from shared.contracts.messages import DownloadImage, DownloadsReported, EndedDownload, FetchBounds, ProbeImages
from shared.long_lived import all_lasting
from shared.losses import LossPolicy
from shared.messaging import (
    Consumer,
    DependencyGate,
    DroppedRounds,
    Handler,
    Hold,
    Publisher,
    Queue,
    Subscription,
    open_broker,
    worker_reports,
)
from shared.outbound import open_guarded_client
from shared.storage import HeldPuts
from shared.url_policy import AddressPolicy
from shared.worker_process import open_worker_process


async def run(settings: DownloaderSettings, stop: asyncio.Event) -> None:
    """Download until `stop` is set; then finish the downloads in progress."""
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(
            open_worker_process("downloader", settings.observability, settings.store, stop)
        )
        metrics, health, store = process.metrics, process.health, process.store
        clock = ReferenceClock(store.time)
        skew_max = settings.observability.clock_skew_max
        await stack.enter_async_context(watched(clock, "storage", skew_max, metrics, health))
        requester = await stack.enter_async_context(open_requester(settings.fetch, settings.targets.policy))
        broker = await stack.enter_async_context(open_broker(settings.rabbit, "downloader", stop))
        publisher = Publisher(broker, metrics)
        broker_gate = DependencyGate({"broker": broker.ping}, health)
        pings = {"storage": clock.measured_by(store.ping), "disk": process.workspace.ping}
        store_gate = DependencyGate(pings, health, outer=[broker_gate])
        slots = settings.fetch.fetch_concurrency
        sender = worker_reports(publisher.publish, slots, _report)
        reports = DownloadReports(sender.add)
        handler = DownloadHandler(
            build_fetcher(requester, settings.fetch),
            HeldPuts(store, Hold(store_gate, stop)),
            FetchRetryPolicy(settings.attempts, settings.fetch.fetch_retry_after_max, random.random),
            clock=clock,
            observe=metrics.fetch_seconds.observe,
            responded=reports.responded,
        )
        dropped = DroppedRounds()
        losses = LossPolicy(settings.losses, random.random)
        downloads = subscription_of(reports.reporting(dropped.dropping(handler)), slots)
        subscriptions = (
            *((each, store_gate) for each in with_alone_runs([downloads], store, losses)),
            (_probes(settings.fetch, requester, clock), broker_gate),
        )
        # Before the check: from here on the process is ready only if it consumes.
        consumers = [Consumer(each, broker, publisher, gate, health, metrics) for each, gate in subscriptions]
        await store_gate.check()
        listening = ("listening to broadcasts", dropped.receive(broker, health, stop))
        reporting = ("sending reports", sender.run(stop, health))
        consuming = ((each.name, each.run(stop, settings.rabbit.drain_timeout)) for each in consumers)
        await all_lasting([listening, reporting, *consuming], stop)


@asynccontextmanager
async def open_requester(settings: FetchSettings, policy: AddressPolicy) -> AsyncIterator[HttpRequester]:
    """An HttpRequester with its own client and host limits."""
    client = open_guarded_client(
        policy,
        user_agent=settings.fetch_user_agent,
        timeout=httpx.Timeout(settings.fetch_read_timeout, connect=settings.fetch_connect_timeout),
        max_idle=settings.fetch_concurrency,
    )
    hosts = HostLimiter(settings.fetch_per_host)
    async with client:
        yield HttpRequester(client, policy, hosts, settings.fetch_max_redirects)


def build_fetcher(requester: HttpRequester, settings: FetchSettings) -> Fetcher:
    """A Fetcher that sends its requests through `requester`."""
    limits = FetchLimits(
        settings.fetch_total_timeout, settings.fetch_max_bytes, settings.fetch_min_speed, settings.fetch_slow_grace
    )
    return Fetcher(requester, limits)


def subscription_of(handle: Handler, at_once: int) -> Subscription:
    """The subscription for image commands, whose handler is `handle`."""
    # Each call of the handler is a request to the host, so the first fault closes the gate.
    return Subscription(Queue.DOWNLOAD, (DownloadImage,), handle, at_once, retry_for=0)


def _report(worker: str, slots: int, ended: tuple[EndedDownload, ...]) -> DownloadsReported:
    return DownloadsReported(worker=worker, slots=slots, ended=ended)


def _probes(settings: FetchSettings, requester: HttpRequester, clock: ReferenceClock) -> Subscription:
    prober = UrlProber(requester, settings.fetch_probe_timeout, settings.fetch_max_bytes)
    bounds = FetchBounds(
        at_once=settings.fetch_concurrency,
        per_host=settings.fetch_per_host,
    )
    handler = ProbeHandler(prober.probe, bounds, clock)
    return Subscription(Queue.PROBE, (ProbeImages,), handler, settings.fetch_probes, park_unknown=False)
