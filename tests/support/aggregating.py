"""Records as the aggregator sees them: the intake is closed, the images are dispatched, compressed or failed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from services.aggregator.announce_request import RequestAnnouncer
from services.aggregator.finish_request import RequestFinisher
from services.aggregator.host_circuit_breaker import HostCircuitBreaker
from services.aggregator.outputs import CsvRules, OutputWriter
from services.aggregator.pause_policy import PausePolicy
from services.aggregator.record_result import ResultRecorder
from services.aggregator.remove_originals import OriginalsRemover
from services.aggregator.result_effects import ResultEffects
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import ImageResult, RecordedResult
from shared.contracts.object_keys import image_id
from shared.contracts.records import CANCELLED_DETAIL, Image, Product, Request
from shared.contracts.states import ImageState
from shared.messaging import Publish
from shared.observability import Metrics
from shared.persistence import Database
from shared.settings import ImageAgeSettings
from tests.fakes import MemoryObjectStore
from tests.support import builders
from tests.support.builders import NOW, REQUEST_ID

BASE_URL = "http://imagemill.test"


def a_request(**changes: Any) -> Request:
    """A Pending request whose intake is closed."""
    usual: dict[str, Any] = {
        "intake_open": False,
        "filename": "Spring Catalogue.csv",
        "created_at": NOW - timedelta(hours=1),
    }
    return builders.a_request(**usual | changes)


def a_product(row: int, *urls: str, **changes: Any) -> Product:
    return replace(builders.a_product(row, urls), **changes)


def an_image(url: str, **changes: Any) -> Image:
    """An image that is dispatched for the first time."""
    usual: dict[str, Any] = {"state": ImageState.DISPATCHED, "dispatch": 1, "attempts": 1}
    return builders.an_image(url, **usual | changes)


def a_result(key: str = f"results/{REQUEST_ID}/shoe-0123456789abcdef.jpg", **changes: Any) -> ImageResult:
    return builders.a_result(key=key, **{"bytes_in": 1000, "bytes_out": 498} | changes)


def a_compressed_image(url: str, **changes: Any) -> Image:
    key = f"results/{REQUEST_ID}/{image_id(url)[:8]}-0123456789abcdef.jpg"
    return an_image(url, **({"state": ImageState.COMPRESSED, "result": a_result(key), "ended_at": NOW} | changes))


def a_failed_image(url: str, **changes: Any) -> Image:
    failure = {"error_code": ErrorCode.HTTP_404, "error_detail": "the host answered 404", "ended_at": NOW}
    return an_image(url, **({"state": ImageState.FAILED} | failure | changes))


def a_cancelled_image(url: str, **changes: Any) -> Image:
    ended = {"error_code": ErrorCode.CANCELLED, "error_detail": CANCELLED_DETAIL, "ended_at": NOW}
    return an_image(url, **({"state": ImageState.CANCELLED} | ended | changes))


def a_recorder(database: Database, report: Callable[[RecordedResult], object] = lambda _: None) -> ResultRecorder:
    """With a store of its own."""
    hosts = HostCircuitBreaker(database, PausePolicy(10, 30, 900, lambda: 0.0), ImageAgeSettings(), _utc_now)
    effects = ResultEffects(MemoryObjectStore(), BASE_URL, keep_originals=False)
    metrics = Metrics(CollectorRegistry())
    return ResultRecorder(database.images, hosts, effects, metrics, lambda: _utc_now() + timedelta(days=1), report)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def a_finisher(database: Database, publish: Publish) -> RequestFinisher:
    """With a store of its own."""
    store = MemoryObjectStore()
    return RequestFinisher(
        database,
        OutputWriter(database, store, BASE_URL, CsvRules()),
        OriginalsRemover(store, keep_originals=False),
        RequestAnnouncer(database, publish, BASE_URL),
        Metrics(CollectorRegistry()),
    )
