"""POST /upload and POST /validate."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from services.gateway import openapi
from services.gateway.catalogue_answers import upload_accepted, validation_answer
from services.gateway.inspections import Inspections
from services.gateway.schemas import UploadAccepted, ValidationAnswer
from services.gateway.upload import Uploads
from services.gateway.upload_options import UPLOAD_OPTIONS, VALIDATION_OPTIONS

_FIRST_LOOK_SECONDS = 2
_REFUSALS = openapi.problems(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def uploads_router(inspections: Inspections, uploads: Uploads) -> APIRouter:
    router = APIRouter(tags=["requests"])

    @router.post(
        "/upload",
        status_code=HTTPStatus.ACCEPTED,
        response_model=UploadAccepted,
        summary="Upload a catalogue",
        responses={
            202: {"headers": openapi.ACCEPTED_HEADERS},
            200: {"model": ValidationAnswer, "description": "The answer to a dry run"},
            **_REFUSALS,
        },
        openapi_extra=openapi.catalogue_body(inspections.defaults, UPLOAD_OPTIONS),
    )
    async def upload(request: Request, response: Response) -> UploadAccepted | Response:
        """Store the catalogue, and have each of its images downloaded and compressed.

        Its columns are found by their names, in many spellings, and so is the shop system that wrote it; other columns
        come back as they are. A catalogue that cannot be used is refused with all that was found. A URL that cannot be
        used fails its own image, not the catalogue, unless `on_invalid` says so. What the options do not say has the
        operator's defaults; the status tells what applies.
        """
        async with inspections.receive(request, UPLOAD_OPTIONS) as upload:
            if upload.options.catalogue.dry_run:
                answer = validation_answer(upload.inspection)
                return Response(answer.model_dump_json(), media_type="application/json")
            request_id = await uploads.accept(upload)
        response.headers["Location"] = f"/status?request_id={request_id}"
        response.headers["Retry-After"] = str(_FIRST_LOOK_SECONDS)
        return upload_accepted(request_id, upload.inspection)

    return router


def validation_router(inspections: Inspections) -> APIRouter:
    router = APIRouter(tags=["catalogues"])

    @router.post(
        "/validate",
        summary="Try a catalogue",
        responses=_REFUSALS,
        openapi_extra=openapi.catalogue_body(inspections.defaults, VALIDATION_OPTIONS),
    )
    async def validate(request: Request) -> ValidationAnswer:
        """Everything an upload would say, and what it would do; nothing is stored.

        Takes the same form as an upload. What an upload would refuse is refused in the same words.
        """
        async with inspections.receive(request, VALIDATION_OPTIONS) as upload:
            return validation_answer(upload.inspection)

    return router
