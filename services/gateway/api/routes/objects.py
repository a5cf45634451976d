"""GET and HEAD of results and outputs."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.gateway.api import openapi
from services.gateway.files.serve import Objects
from services.gateway.web.problems import no_such_object


def objects_router(objects: Objects) -> APIRouter:
    """GET and HEAD of results and outputs."""
    router = APIRouter(tags=["objects"])
    problems = openapi.problems(
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, HTTPStatus.SERVICE_UNAVAILABLE, missing=no_such_object()
    )

    async def result(request: Request) -> Response:
        """With its true content type. HEAD, conditional requests and single ranges are understood as well."""
        return await objects.serve(request, f"results/{request.path_params['path']}")

    async def output(request: Request) -> Response:
        """For download under a sensible name. HEAD, conditional requests and single ranges are understood as well."""
        return await objects.serve(request, f"outputs/{request.path_params['path']}")

    for url, serve, summary, content in (
        ("/results/{path:path}", result, "Fetch a compressed image", openapi.IMAGE),
        ("/outputs/{path:path}", output, "Fetch an output CSV or a report", openapi.CSV),
    ):
        # The first answers both methods; the second is there to be described, since HEAD would be so under its name.
        router.add_api_route(url, serve, methods=["GET", "HEAD"], include_in_schema=False)
        router.add_api_route(
            url,
            serve,
            methods=["GET"],
            summary=summary,
            response_class=Response,
            responses={200: {"content": content}, **problems},
            openapi_extra=openapi.OBJECT,
        )
    return router
