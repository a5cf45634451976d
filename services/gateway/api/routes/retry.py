"""POST /requests/{request_id}/retry."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from services.gateway.api import openapi
from services.gateway.requests.retry import Retries
from services.gateway.web.problems import unknown_request
from services.gateway.web.schemas import REQUEST_ID, RetryAccepted

_FIRST_LOOK_SECONDS = 2


def retry_router(retries: Retries) -> APIRouter:
    router = APIRouter(tags=["requests"])

    @router.post(
        "/requests/{request_id}/retry",
        status_code=HTTPStatus.ACCEPTED,
        summary="Try a request's failed images again",
        responses={
            202: {"headers": openapi.ACCEPTED_HEADERS},
            **openapi.problems(
                HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE, missing=unknown_request(REQUEST_ID)
            ),
        },
        openapi_extra=openapi.REQUEST,
    )
    async def retry(request: Request, response: Response) -> RetryAccepted:
        """Begin another round of a finished request, in which its failed images are tried once more.

        Those whose URL is none (`invalid_url`) are not. What was compressed stays as it is and is not fetched again.
        Afterwards there are new outputs, and the webhook is called once more; earlier outputs can still be fetched.
        """
        request_id = request.path_params["request_id"]
        if len(request_id) != len(REQUEST_ID):
            raise unknown_request(request_id)
        accepted = await retries.begin(request_id)
        response.headers["Location"] = f"/status?request_id={request_id}"
        response.headers["Retry-After"] = str(_FIRST_LOOK_SECONDS)
        return accepted

    return router
