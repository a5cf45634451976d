"""POST /requests/{request_id}/retry."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from services.gateway.api import openapi
from services.gateway.api.routes.reading import NO_QUERY
from services.gateway.requests import Retries
from services.gateway.web.problems import unknown_request
from services.gateway.web.query import request_id_of
from services.gateway.web.schemas import REQUEST_ID, RetryAccepted

_FIRST_LOOK_SECONDS = 2


def retry_router(retries: Retries) -> APIRouter:
    router = APIRouter(tags=["requests"])

    @router.post(
        "/requests/{request_id}/retry",
        status_code=HTTPStatus.ACCEPTED,
        summary="Retry a request's failed images",
        operation_id="retryRequest",
        dependencies=NO_QUERY,
        responses={
            202: {"headers": openapi.ACCEPTED_HEADERS},
            **openapi.problems(
                HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE, missing=unknown_request(REQUEST_ID)
            ),
        },
        openapi_extra=openapi.REQUEST,
    )
    async def retry(request: Request, response: Response) -> RetryAccepted:
        """Begin another round of a finished request, in which its failed images are processed again.

        Images whose URL cannot be used (`invalid_url`) are not retried. Compressed images are kept and not fetched
        again. The round ends with new outputs and another webhook call; earlier outputs stay available.
        """
        request_id = request_id_of(request.path_params["request_id"])
        accepted = await retries.begin(request_id)
        response.headers["Location"] = f"/status?request_id={request_id}"
        response.headers["Retry-After"] = str(_FIRST_LOOK_SECONDS)
        return accepted

    return router
