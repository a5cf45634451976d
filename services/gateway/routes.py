"""The API's paths: what they are called, what they take and what they answer."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import Response as AnyResponse

from services.gateway import openapi
from services.gateway.objects import Objects
from services.gateway.problems import no_such_object, unknown_request
from services.gateway.schemas import REQUEST_ID, StatusAnswer, UploadAccepted
from services.gateway.status import retry_after, status_answer
from services.gateway.upload import Uploads
from shared.contracts.states import RequestStatus
from shared.observability.health import Answer, HealthAnswers
from shared.persistence import Database

_FIRST_LOOK_SECONDS = 2


def api_router(uploads: Uploads, database: Database, public_base_url: str) -> APIRouter:
    """POST /upload and GET /status."""
    router = APIRouter(tags=["requests"])

    @router.post(
        "/upload",
        status_code=HTTPStatus.ACCEPTED,
        summary="Upload a catalogue",
        responses={
            202: {"headers": openapi.ACCEPTED_HEADERS},
            **openapi.problems(
                HTTPStatus.BAD_REQUEST,
                HTTPStatus.REQUEST_TIMEOUT,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                HTTPStatus.UNPROCESSABLE_ENTITY,
                HTTPStatus.SERVICE_UNAVAILABLE,
            ),
        },
        openapi_extra=openapi.upload(uploads.default_options),
    )
    async def upload(request: Request, response: Response) -> UploadAccepted:
        """Store the catalogue, and have each of its images downloaded and compressed.

        The columns serial number, product name and input image URLs are found by their names, in many spellings;
        other columns come back as they are. A catalogue that cannot be used is refused with all its faults at once. A
        URL that cannot be used fails its own slot, not the catalogue. What the options do not say has the operator's
        defaults; the status tells what applies.
        """
        accepted = await uploads.accept(request)
        response.headers["Location"] = f"/status?request_id={accepted.request_id}"
        response.headers["Retry-After"] = str(_FIRST_LOOK_SECONDS)
        return UploadAccepted(request_id=accepted.request_id)

    @router.get(
        "/status",
        summary="Ask how far a request is",
        responses={
            200: {"headers": openapi.RETRY_AFTER},
            **openapi.problems(
                HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE, missing=unknown_request(REQUEST_ID)
            ),
        },
    )
    async def status(
        response: Response,
        request_id: Annotated[str, Query(description="As the upload was answered.", examples=[REQUEST_ID])],
    ) -> StatusAnswer:
        """The state, the options that apply, the progress, and the URLs of output CSV and report when they are there.

        While the request is Pending, `Retry-After` says when to ask again.
        """
        request = await database.requests.current(request_id) if len(request_id) == len(REQUEST_ID) else None
        if request is None:
            raise unknown_request(request_id)
        response.headers["Cache-Control"] = "no-store"
        if request.status is RequestStatus.PENDING:
            response.headers["Retry-After"] = str(retry_after(request.progress))
        return status_answer(request, public_base_url)

    return router


def objects_router(objects: Objects) -> APIRouter:
    """GET and HEAD of results and outputs."""
    router = APIRouter(tags=["objects"])
    problems = openapi.problems(
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, HTTPStatus.SERVICE_UNAVAILABLE, missing=no_such_object()
    )

    async def result(request: Request) -> AnyResponse:
        """With its true content type. HEAD, conditional requests and single ranges are understood as well."""
        return await objects.serve(request, f"results/{request.path_params['path']}")

    async def output(request: Request) -> AnyResponse:
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
            response_class=AnyResponse,
            responses={200: {"content": content}, **problems},
            openapi_extra=openapi.OBJECT,
        )
    return router


def health_router(answers: HealthAnswers) -> APIRouter:
    """What probes and Prometheus ask for."""
    router = APIRouter(include_in_schema=False)

    def said(answer: Answer) -> AnyResponse:
        return AnyResponse(answer.body, answer.status, {"Cache-Control": "no-store"}, answer.media_type)

    async def livez() -> AnyResponse:
        return said(answers.livez())

    async def readyz() -> AnyResponse:
        return said(answers.readyz())

    async def metrics() -> AnyResponse:
        return said(answers.metrics())

    for path, answer in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
        router.add_api_route(path, answer, methods=["GET", "HEAD"])
    return router
