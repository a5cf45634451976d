"""POST /requests/{request_id}/retry."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from services.gateway.api import openapi
from services.gateway.api.routes.reading import NO_QUERY
from services.gateway.requests import RetryStarter
from services.gateway.web import Locations, ProblemType, RetryAccepted, request_id_of


def retry_router(retries: RetryStarter, locations: Locations) -> APIRouter:
    router = APIRouter(tags=["requests"])

    @router.post(
        "/requests/{request_id}/retry",
        status_code=HTTPStatus.ACCEPTED,
        summary="Retry a request's failed and cancelled images",
        operation_id="retryRequest",
        dependencies=NO_QUERY,
        responses={
            202: openapi.RETRY_ACCEPTED,
            **openapi.problems(
                ProblemType.UNKNOWN_REQUEST,
                ProblemType.UNDER_WAY,
                ProblemType.NOTHING_TO_RETRY,
                ProblemType.PARAMETER,
                ProblemType.UNREADABLE_RECORD,
                ProblemType.UNAVAILABLE,
                instead=openapi.UNKNOWN_QUERY["retry"],
            ),
        },
        openapi_extra=openapi.REQUEST,
    )
    async def retry(request: Request, response: Response) -> RetryAccepted:
        """Begin another round of a finished request, in which its failed and cancelled images are processed
        again.

        Images whose URL cannot be used (`invalid_url`) are not retried. Compressed images are kept and not fetched
        again. The round ends with new outputs and another webhook call; earlier outputs stay available.
        """
        accepted = await retries.begin(request_id_of(request.path_params["request_id"]))
        response.headers.update(locations.of_accepted(accepted.request_id))
        return accepted

    return router
