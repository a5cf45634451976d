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
from services.gateway.web import CatalogueValidation, Locations, ProblemType, UploadAccepted

_REFUSALS = openapi.problems(
    ProblemType.CATALOGUE,
    ProblemType.IMAGE_URLS,
    ProblemType.FORM,
    ProblemType.STALLED,
    ProblemType.TOO_SLOW,
    ProblemType.TOO_LARGE,
    ProblemType.CONTENT_TYPE,
    ProblemType.CONTENT_ENCODING,
    ProblemType.OPTIONS,
    ProblemType.UNAVAILABLE,
)


def uploads_router(validator: UploadValidator, acceptor: UploadAcceptor, locations: Locations) -> APIRouter:
    router = APIRouter(tags=["catalogues"])

    @router.post(
        "/upload",
        status_code=HTTPStatus.ACCEPTED,
        response_model=UploadAccepted,
        summary="Upload a catalogue",
        operation_id="uploadCatalogue",
        responses={
            202: openapi.UPLOAD_ACCEPTED,
            200: {"model": CatalogueValidation, **openapi.DRY_RUN},
            **_REFUSALS,
        },
        openapi_extra=openapi.catalogue_body(validator.defaults, UPLOAD_OPTIONS),
    )
    async def upload(request: Request, response: Response) -> UploadAccepted | Response:
        """Store the catalogue, then download and compress each of its images.

        The columns are found by their names, in many spellings, and the shop system is detected from them. Other
        columns are copied unchanged. A catalogue that cannot be used is refused, and all findings are listed. A URL
        that cannot be used fails its own slot and not the catalogue, unless `on_invalid` is `reject`. Omitted options
        have the operator's defaults; the status lists the options that apply.
        """
        async with validator.receive(request, UPLOAD_OPTIONS) as upload:
            if upload.options.request.dry_run:
                validation = catalogue_validation(upload.inspection)
                return Response(validation.model_dump_json(), media_type="application/json")
            request_id = await acceptor.accept(upload)
        response.headers.update(locations.of_accepted(request_id))
        return upload_accepted(request_id, upload.inspection)

    return router


def validation_router(validator: UploadValidator, probes: ProbeStream) -> APIRouter:
    router = APIRouter(tags=["catalogues"])

    @router.post(
        "/validate",
        response_model=CatalogueValidation,
        summary="Validate a catalogue",
        operation_id="validateCatalogue",
        responses={200: openapi.VALIDATION, **_REFUSALS},
        openapi_extra=openapi.catalogue_body(validator.defaults, VALIDATION_OPTIONS),
    )
    async def validate(request: Request) -> CatalogueValidation | Response:
        """Report what an upload would find and do. Nothing is stored.

        The form is that of an upload. A catalogue that an upload would refuse is refused with the same problem. With
        `probe`, some of the images are probed, and the response is lines of JSON, each sent as soon as it is known.
        """
        async with validator.receive(request, VALIDATION_OPTIONS) as upload:
            validation, options, inspection = catalogue_validation(upload.inspection), upload.options, upload.inspection
        if options.request.probe is None:
            return validation
        return StreamingResponse(probes.lines(validation, inspection, options.compress), media_type=NDJSON)

    return router
