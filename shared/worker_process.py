"""What the processes of downloader, compressor and aggregator have in common, apart from their work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.observability import Health, Metrics, process_registry, serve_health, watchdog
from shared.settings import ObservabilitySettings, StoreSettings
from shared.storage import ObjectStore, open_object_store
from shared.workspace import Workspace, open_workspace


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    metrics: Metrics
    health: Health
    workspace: Workspace
    store: ObjectStore


@asynccontextmanager
async def open_worker_process(
    name: str, observability: ObservabilitySettings, store: StoreSettings, stop: asyncio.Event
) -> AsyncIterator[WorkerProcess]:
    """Serve the health endpoints, watch for stalls, and open the workspace of `name` and the store.

    The process is unready until its broker is connected. Raises StoppedWhileStarting if `stop` is set first.
    """
    registry = process_registry()
    metrics = Metrics(registry)
    health = Health(metrics.ready, observability.stall_timeout)
    health.set_ready("broker", False, "not connected yet")  # others are recorded before it
    async with AsyncExitStack() as stack:
        stack.enter_context(watchdog(health))
        await stack.enter_async_context(serve_health(observability.metrics_port, health, registry))
        workspace = await stack.enter_async_context(open_workspace(name, health, stop))
        opened = open_object_store(store.object_store_url)
        stack.push_async_callback(opened.close)
        yield WorkerProcess(metrics, health, workspace, opened)
