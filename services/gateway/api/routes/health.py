"""GET and HEAD of /livez, /readyz and /metrics."""

from fastapi import APIRouter
from starlette.responses import Response

from shared.observability import HealthEndpoints, HealthResponse


def health_router(answers: HealthEndpoints) -> APIRouter:
    """For the probes of an orchestrator and for Prometheus.

    Query options are ignored here, unlike elsewhere: a scrape configuration may add some, and a process must not be
    restarted because of them.
    """
    router = APIRouter(include_in_schema=False)

    def response(answer: HealthResponse) -> Response:
        return Response(answer.body, answer.status, {"Cache-Control": "no-store"}, answer.media_type)

    async def livez() -> Response:
        return response(answers.livez())

    async def readyz() -> Response:
        return response(answers.readyz())

    async def metrics() -> Response:
        return response(answers.metrics())

    for path, answer in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
        router.add_api_route(path, answer, methods=["GET", "HEAD"])
    return router
