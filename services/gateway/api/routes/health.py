"""GET and HEAD of the health endpoints."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.responses import Response

from shared.observability import HealthEndpoints, HealthResponse


def health_router(endpoints: HealthEndpoints) -> APIRouter:
    """For health checks and for Prometheus.

    Query parameters are ignored here, unlike elsewhere: a scrape configuration may add some, and a process must not be
    restarted because of them.
    """
    router = APIRouter(include_in_schema=False)

    for path, respond in endpoints.by_path.items():
        router.add_api_route(path, _endpoint(respond), methods=["GET", "HEAD"])
    return router


def _endpoint(respond: Callable[[], HealthResponse]) -> Callable[[], Awaitable[Response]]:
    async def endpoint() -> Response:
        status, media_type, body = respond()
        return Response(body, status, {"Cache-Control": "no-store"}, media_type)

    return endpoint
