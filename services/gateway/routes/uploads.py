"""POST /upload."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from services.gateway import openapi
from services.gateway.schemas import UploadAccepted
from services.gateway.upload import Uploads

_FIRST_LOOK_SECONDS = 2


def uploads_router(uploads: Uploads) -> APIRouter:
    router = APIRouter(tags=["catalogues"])

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

    return router
