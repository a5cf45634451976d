"""Points at which a service can be killed: before or after a call through one of its seams.

The services know nothing of this. `install` wraps methods of their classes in a process that a test has started.
"""

import functools
import importlib
import os
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

Dies = Callable[[str], bool]
"""Called at each pass through a point with its name; returns whether the process is to die there."""


class Side(Enum):
    BEFORE = auto()
    AFTER = auto()


@dataclass(frozen=True)
class FaultPoint:
    """One side of a call of `method` of `owner` ("module:Class").

    of: for calls with a sequence of messages or events: only those with one of these class names or event types.
    """

    service: str
    owner: str
    method: str
    side: Side
    of: Collection[str] = ()

    def concerns(self, arguments: Collection[Any]) -> bool:
        if not self.of:
            return True
        items = [item for argument in arguments if isinstance(argument, list | tuple) for item in argument]
        return any(type(item).__name__ in self.of or getattr(item, "type", None) in self.of for item in items)


_PUBLISHER = "shared.messaging.publisher:Publisher"
_STORE = "shared.storage.directory:DirectoryObjectStore"
_REQUESTS = "shared.persistence.requests:MongoRequests"
_IMAGES = "shared.persistence.images:MongoImages"
_PRODUCTS = "shared.persistence.products:MongoProducts"
_CANCELLATIONS = "shared.persistence.cancellations:MongoCancellations"
_DATABASE = "shared.persistence.database:MongoDatabase"
_DELIVERIES = "shared.persistence.deliveries:MongoDeliveries"

POINTS = {
    # the upload
    "stored-before-recorded": FaultPoint("gateway", _REQUESTS, "insert", Side.BEFORE),
    "recorded-before-answered": FaultPoint("gateway", _REQUESTS, "insert", Side.AFTER),
    # intake
    "before-products": FaultPoint("gateway", _PRODUCTS, "insert_many", Side.BEFORE),
    "between-products-and-images": FaultPoint("gateway", _PRODUCTS, "insert_many", Side.AFTER),
    "between-images-and-progress": FaultPoint("gateway", _REQUESTS, "save_intake", Side.BEFORE),
    "between-batches": FaultPoint("gateway", _REQUESTS, "save_intake", Side.AFTER),
    "before-intake-is-closed": FaultPoint("gateway", _REQUESTS, "close_intake", Side.BEFORE),
    "after-intake-is-closed": FaultPoint("gateway", _REQUESTS, "close_intake", Side.AFTER),
    # the dispatcher
    "saved-before-published": FaultPoint("gateway", _PUBLISHER, "publish", Side.BEFORE, {"DownloadImage"}),
    "published-before-marked": FaultPoint("gateway", _IMAGES, "mark_dispatched", Side.BEFORE),
    "marked": FaultPoint("gateway", _IMAGES, "mark_dispatched", Side.AFTER),
    # a cancel
    "cancel-begun": FaultPoint("gateway", _CANCELLATIONS, "begin", Side.AFTER),
    "between-steps-of-a-cancel": FaultPoint("gateway", _CANCELLATIONS, "cancel_images", Side.AFTER),
    "before-a-cancelled-round-is-finished": FaultPoint(
        "gateway", _PUBLISHER, "publish", Side.BEFORE, {"FinishRequest"}
    ),
    # the removal of an expired request
    "between-objects-and-records": FaultPoint("gateway", _DATABASE, "delete_request", Side.BEFORE),
    "between-records": FaultPoint("gateway", _DATABASE, "delete_request", Side.AFTER),
    # the retry
    "round-begun": FaultPoint("gateway", _REQUESTS, "retry", Side.AFTER),
    # the downloader
    "before-original-is-put": FaultPoint("downloader", _STORE, "put_bytes", Side.BEFORE),
    "after-original-is-put": FaultPoint("downloader", _STORE, "put_bytes", Side.AFTER),
    "compress-published-before-acknowledged": FaultPoint(
        "downloader", _PUBLISHER, "publish", Side.AFTER, {"CompressImage"}
    ),
    # the compressor
    "before-result-is-put": FaultPoint("compressor", _STORE, "put_bytes", Side.BEFORE),
    "after-result-is-put": FaultPoint("compressor", _STORE, "put_bytes", Side.AFTER),
    "result-published-before-acknowledged": FaultPoint(
        "compressor", _PUBLISHER, "publish", Side.AFTER, {"ImageCompressed"}
    ),
    # the aggregator
    "before-result-is-recorded": FaultPoint("aggregator", _IMAGES, "record", Side.BEFORE),
    "after-result-is-recorded": FaultPoint("aggregator", _IMAGES, "record", Side.AFTER),
    "image-event-published-before-acknowledged": FaultPoint(
        "aggregator", _PUBLISHER, "publish", Side.AFTER, {"image.compressed"}
    ),
    "between-last-result-and-finish": FaultPoint("aggregator", _PUBLISHER, "publish", Side.BEFORE, {"FinishRequest"}),
    "before-outputs": FaultPoint("aggregator", _STORE, "put_file", Side.BEFORE),
    "between-outputs-and-status": FaultPoint("aggregator", _REQUESTS, "finish", Side.BEFORE),
    "between-finish-and-announcement": FaultPoint("aggregator", _REQUESTS, "finish", Side.AFTER),
    "delivery-recorded-before-event": FaultPoint("aggregator", _DELIVERIES, "put", Side.AFTER),
    "announced-before-removed-from-the-outbox": FaultPoint("aggregator", _REQUESTS, "remove_announcement", Side.BEFORE),
    "removed-from-the-outbox-before-acknowledged": FaultPoint(
        "aggregator", _REQUESTS, "remove_announcement", Side.AFTER
    ),
    "delivery-claimed-before-attempt": FaultPoint("aggregator", _DELIVERIES, "claim", Side.AFTER),
    "between-attempt-and-its-record": FaultPoint("aggregator", _DELIVERIES, "record_attempt", Side.BEFORE),
}


def install(service: str, dies: Dies) -> None:
    """Wrap the seams of all points of `service` in this process."""
    for name, point in POINTS.items():
        if point.service == service:
            _wrap(name, point, dies)


def _wrap(name: str, point: FaultPoint, dies: Dies) -> None:
    module, _, class_name = point.owner.partition(":")
    owner = getattr(importlib.import_module(module), class_name)
    original = getattr(owner, point.method)

    @functools.wraps(original)
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        concerned = point.concerns([*arguments, *named.values()])
        if concerned and point.side is Side.BEFORE and dies(name):
            _die()
        result = await original(*arguments, **named)
        if concerned and point.side is Side.AFTER and dies(name):
            _die()
        return result

    setattr(owner, point.method, wrapped)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
