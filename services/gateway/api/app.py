"""The ASGI application: the routes, and problem documents for all errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from services import __version__
from services.gateway.api import docs_page, openapi
from services.gateway.api.routes import (
    cancel_router,
    deliveries_router,
    health_router,
    objects_router,
    retry_router,
    status_router,
    uploads_router,
    validation_router,
    webhook_test_router,
)
from services.gateway.files import ObjectServer
from services.gateway.http_server import Compression, install_error_handlers
from services.gateway.probe import ProbeStream
from services.gateway.requests import RequestCanceller, RetryStarter
from services.gateway.upload import UploadAcceptor, UploadValidator
from services.gateway.web import Locations
from services.gateway.webhooks import DeliveryLog, WebhookTester
from shared.errors import DatabaseUnavailable, DependencyUnavailable
from shared.messaging import DependencyGate
from shared.observability import HealthEndpoints
from shared.persistence import Database

_DESCRIPTION = """\
Upload a product catalogue as CSV. Every image in it is downloaded, compressed to a share of its bytes (50 % by default)
and stored. Query /status with the `request_id`, or pass a `webhook_url`. The result is the same CSV with the
output image URLs, and a report with the outcome of each image.

Every error is a problem document (RFC 9457, `application/problem+json`). HEAD is answered wherever GET is. Times are
RFC 3339 in UTC. Request ids may be written in any case.
"""
_ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the routes call. `public_base_url` is where clients reach the API."""

    validator: UploadValidator
    acceptor: UploadAcceptor
    probes: ProbeStream
    database: Database
    cancellations: RequestCanceller
    retries: RetryStarter
    deliveries: DeliveryLog
    webhook_tester: WebhookTester
    objects: ObjectServer
    public_base_url: str
    clock: Callable[[], datetime]


def build_app(parts: ApiParts, health: HealthEndpoints, gate: DependencyGate) -> FastAPI:
    """The API. `gate` is closed when a dependency does not answer; requests that do not need it still succeed."""
    app = _bare_app(health, gate.close)
    for router in _routers(parts):
        app.include_router(router)
    docs_page.install(app)
    openapi.install(app, parts.public_base_url)
    return app


def _routers(parts: ApiParts) -> Sequence[APIRouter]:
    locations = Locations(parts.public_base_url)
    return (
        uploads_router(parts.validator, parts.acceptor, locations),
        validation_router(parts.validator, parts.probes),
        status_router(parts.database, parts.public_base_url, parts.clock),
        cancel_router(parts.cancellations, locations),
        retry_router(parts.retries, locations),
        deliveries_router(parts.deliveries, locations),
        webhook_test_router(parts.webhook_tester),
        objects_router(parts.objects),
    )


def build_starting_app(health: HealthEndpoints) -> FastAPI:
    """The app until the database answers: /livez succeeds, everything else is a 503."""
    app = _bare_app(health, lambda _: None)
    app.add_route("/{path:path}", _starting, methods=_ALL_METHODS)
    return app


def _bare_app(health: HealthEndpoints, report: Callable[[DependencyUnavailable], None]) -> FastAPI:
    app = FastAPI(title="Imagemill", version=__version__, description=_DESCRIPTION, openapi_url=None)
    install_error_handlers(app, report)
    app.add_middleware(Compression)
    app.include_router(health_router(health))
    return app


async def _starting(_: Request) -> Response:
    raise DatabaseUnavailable("the gateway has not reached the database yet")
