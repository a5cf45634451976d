"""GET and HEAD of /livez, /readyz and /metrics."""

from fastapi import APIRouter
from starlette.responses import Response

from shared.observability import HealthEndpoints, HealthResponse


def health_router(answers: HealthEndpoints) -> APIRouter:
    """What probes and Prometheus ask for."""
    router = APIRouter(include_in_schema=False)

    def said(answer: HealthResponse) -> Response:
        return Response(answer.body, answer.status, {"Cache-Control": "no-store"}, answer.media_type)

    async def livez() -> Response:
        return said(answers.livez())

    async def readyz() -> Response:
        return said(answers.readyz())

    async def metrics() -> Response:
        return said(answers.metrics())

    for path, answer in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
        router.add_api_route(path, answer, methods=["GET", "HEAD"])
    return router
