"""POST /upload and POST /validate."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.gateway.api import openapi
from services.gateway.probe import NDJSON, ProbeStream
from services.gateway.upload import (
    UPLOAD_OPTIONS,
    VALIDATION_OPTIONS,
    UploadAcceptor,
    UploadValidator,
    catalogue_validation,
    upload_accepted,
)
from services.gateway.web.schemas import CatalogueValidation, UploadAccepted

_FIRST_LOOK_SECONDS = 2
_REFUSALS = openapi.problems(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def uploads_router(validator: UploadValidator, acceptor: UploadAcceptor) -> APIRouter:
    router = APIRouter(tags=["requests"])

    @router.post(
        "/upload",
        status_code=HTTPStatus.ACCEPTED,
        response_model=UploadAccepted,
        summary="Upload a catalogue",
        responses={
            202: {"headers": openapi.ACCEPTED_HEADERS},
            200: {"model": CatalogueValidation, "description": "The answer to a dry run"},
            **_REFUSALS,
        },
        openapi_extra=openapi.catalogue_body(validator.defaults, UPLOAD_OPTIONS),
    )
    async def upload(request: Request, response: Response) -> UploadAccepted | Response:
        """Store the catalogue, and have each of its images downloaded and compressed.

        Its columns are found by their names, in many spellings, and so is the shop system that wrote it; other columns
        come back as they are. A catalogue that cannot be used is refused with all that was found. A URL that cannot be
        used fails its own image, not the catalogue, unless `on_invalid` says so. What the options do not say has the
        operator's defaults; the status tells what applies.
        """
        async with validator.receive(request, UPLOAD_OPTIONS) as upload:
            if upload.options.request.dry_run:
                answer = catalogue_validation(upload.inspection)
                return Response(answer.model_dump_json(), media_type="application/json")
            request_id = await acceptor.accept(upload)
        response.headers["Location"] = f"/status?request_id={request_id}"
        response.headers["Retry-After"] = str(_FIRST_LOOK_SECONDS)
        return upload_accepted(request_id, upload.inspection)

    return router


def validation_router(validator: UploadValidator, probes: ProbeStream) -> APIRouter:
    router = APIRouter(tags=["catalogues"])

    @router.post(
        "/validate",
        response_model=CatalogueValidation,
        summary="Try a catalogue",
        responses={200: {"content": openapi.PROBED}, **_REFUSALS},
        openapi_extra=openapi.catalogue_body(validator.defaults, VALIDATION_OPTIONS),
    )
    async def validate(request: Request) -> CatalogueValidation | Response:
        """Everything an upload would say, and what it would do; nothing is stored.

        Takes the same form as an upload. What an upload would refuse is refused in the same words. With `probe` some
        of the images are looked at, and the answer is lines of JSON, each as soon as there is something to say.
        """
        async with validator.receive(request, VALIDATION_OPTIONS) as upload:
            answer, options, inspection = catalogue_validation(upload.inspection), upload.options, upload.inspection
        if options.request.probe is None:
            return answer
        return StreamingResponse(probes.lines(answer, inspection, options.compress), media_type=NDJSON)

    return router
