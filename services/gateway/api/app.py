"""The ASGI application: the routes, and that every error is a problem document."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from services import __version__
from services.gateway.api import docs_page, openapi
from services.gateway.api.routes.health import health_router
from services.gateway.web import error_handlers
from services.gateway.web.access_log import AccessLog
from shared.errors import DatabaseUnavailable, DependencyUnavailable
from shared.messaging import DependencyGate
from shared.observability import HealthEndpoints

_DESCRIPTION = """\
Upload a product catalogue as CSV; every image it names is downloaded, compressed to a share of its bytes (half, unless
you say otherwise) and stored. Ask for the status by the `request_id`, or have a webhook called; in the end there is the
same CSV with the output image URLs, and a report that says for each image what became of it.

Every error is a problem document (RFC 9457, `application/problem+json`).
"""
_ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def build_app(routers: Sequence[APIRouter], health: HealthEndpoints, gate: DependencyGate) -> FastAPI:
    """The API. `gate` hears of dependencies that do not answer; the API itself goes on with what it can do."""
    app = _bare_app(health, gate.close)
    for router in routers:
        app.include_router(router)
    docs_page.install(app)
    openapi.install(app)
    return app


def build_starting_app(health: HealthEndpoints) -> FastAPI:
    """What answers until the database does: that the process lives, and to all else 503."""
    app = _bare_app(health, lambda _: None)
    app.add_route("/{path:path}", _starting, methods=_ALL_METHODS)
    return app


def _bare_app(health: HealthEndpoints, tell: Callable[[DependencyUnavailable], None]) -> FastAPI:
    app = FastAPI(title="Imagemill", version=__version__, description=_DESCRIPTION, docs_url=None, redoc_url=None)
    app.add_middleware(AccessLog)
    error_handlers.install(app, tell)
    app.include_router(health_router(health))
    return app


async def _starting(_: Request) -> Response:
    raise DatabaseUnavailable("the gateway has not reached the database yet")
