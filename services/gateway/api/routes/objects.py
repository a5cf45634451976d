"""GET and HEAD of results and outputs."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.gateway.api import openapi
from services.gateway.api.routes.reading import NO_QUERY, get_and_head
from services.gateway.files import ObjectServer
from services.gateway.web import ProblemType, is_request_id


def objects_router(objects: ObjectServer) -> APIRouter:
    """Results and outputs, to anyone who has the URL."""
    router = APIRouter(tags=["files"])
    problems = openapi.problems(
        ProblemType.NOT_FOUND,
        ProblemType.RANGE,
        ProblemType.PARAMETER,
        ProblemType.UNAVAILABLE,
        instead=openapi.UNKNOWN_QUERY["file"],
    )

    @get_and_head(
        router,
        "/results/{path:path}",
        summary="Get a compressed image",
        operation_id="getResult",
        response_class=Response,
        responses=openapi.RESULT_FILE | problems,
        openapi_extra=openapi.RESULT,
        dependencies=NO_QUERY,
    )
    async def result(request: Request) -> Response:
        """The image with its own content type. Conditional requests and single ranges are supported."""
        return await objects.serve(request, f"results/{_stored(request.path_params['path'])}")

    @get_and_head(
        router,
        "/outputs/{path:path}",
        summary="Get an output CSV or a report",
        operation_id="getOutput",
        response_class=Response,
        responses=openapi.OUTPUT_FILE | problems,
        openapi_extra=openapi.OUTPUT,
        dependencies=NO_QUERY,
    )
    async def output(request: Request) -> Response:
        """A download named after the upload. Conditional requests and single ranges are supported."""
        return await objects.serve(request, f"outputs/{_stored(request.path_params['path'])}")

    return router


def _stored(path: str) -> str:
    """The path with the request id in upper case, as objects are stored."""
    request_id, slash, rest = path.partition("/")
    return f"{request_id.upper()}{slash}{rest}" if is_request_id(request_id) else path
