"""The composition root of the compressor: build its parts and connect them."""

import asyncio
import random
from contextlib import AsyncExitStack

from services.compressor.cpu_pool import CpuPool, usable_cores
from services.compressor.handler import CompressHandler, Reporting, Retries
from services.compressor.lanes import deliveries
from services.compressor.settings import CompressorSettings
from shared.alone_runs import with_alone_runs
from shared.clocks import ReferenceClock, watched
from shared.contracts.messages import CompressImage, CompressionsReported, ReportedImage
from shared.long_lived import all_lasting
from shared.losses import LossPolicy
from shared.messaging import (
    Consumer,
    DependencyGate,
    DroppedRounds,
    Hold,
    Publisher,
    Queue,
    Subscription,
    open_broker,
    worker_reports,
)
from shared.storage import HeldPuts
from shared.worker_process import open_worker_process


async def run(settings: CompressorSettings, stop: asyncio.Event) -> None:
    """Process commands until `stop` is set; then finish those in progress."""
    processes = settings.compress.compress_processes or usable_cores()
    async with AsyncExitStack() as open_things:
        process = await open_things.enter_async_context(
            open_worker_process("compressor", settings.observability, settings.store, stop)
        )
        metrics, health, store = process.metrics, process.health, process.store
        clock = ReferenceClock(store.time)
        skew_max = settings.observability.clock_skew_max
        await open_things.enter_async_context(watched(clock, "storage", skew_max, metrics, health))
        pool = await open_things.enter_async_context(
            CpuPool(processes, settings.compress.compress_timeout, stop, measure_ssim=settings.compress.compress_ssim)
        )
        broker = await open_things.enter_async_context(open_broker(settings.rabbit, "compressor", stop))
        publisher = Publisher(broker, metrics)
        pings = {
            "storage": clock.measured_by(store.ping),
            "disk": process.workspace.ping,
            "broker": broker.ping,
            "encoder": pool.ping,
        }
        gate = DependencyGate(pings, health)
        sender = worker_reports(publisher.publish, processes, _report)
        losses = LossPolicy(settings.losses, random.random)
        handler = CompressHandler(
            store=HeldPuts(store, Hold(gate, stop)),
            compressor=pool,
            max_pixels=settings.compress.compress_max_pixels,
            retries=Retries(settings.attempts, losses),
            reporting=Reporting(metrics, lambda command: sender.add(_reported(command))),
            clock=clock,
        )
        dropped = DroppedRounds()
        handle = dropped.dropping(handler)
        commands = Subscription(Queue.COMPRESS, (CompressImage,), handle, deliveries(processes))
        slow = Subscription(Queue.COMPRESS_SLOW, (CompressImage,), handle, processes)
        # Before the check: from here on the process is ready only if it consumes.
        consumers = [
            Consumer(subscription, broker, publisher, gate, health, metrics)
            for subscription in with_alone_runs([commands, slow], store, losses)
        ]
        await gate.check()
        listening = ("listening to broadcasts", dropped.receive(broker, health, stop))
        reporting = ("sending reports", sender.run(stop, health))
        consuming = ((each.name, each.run(stop, settings.rabbit.drain_timeout)) for each in consumers)
        await all_lasting([listening, reporting, *consuming], stop)


def _report(worker: str, slots: int, slow: tuple[ReportedImage, ...]) -> CompressionsReported:
    return CompressionsReported(worker=worker, slots=slots, slow=slow)


def _reported(command: CompressImage) -> ReportedImage:
    return ReportedImage(
        request_id=command.request_id, image_id=command.image_id, round=command.round, dispatch=command.dispatch
    )
