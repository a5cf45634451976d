"""POST /requests/{request_id}/cancel."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from services.gateway.api import openapi
from services.gateway.api.routes.reading import NO_QUERY
from services.gateway.requests import RequestCanceller
from services.gateway.web import CancelAccepted, Locations, ProblemType, request_id_of
from shared.contracts.states import RequestStatus


def cancel_router(cancellations: RequestCanceller, locations: Locations) -> APIRouter:
    router = APIRouter(tags=["requests"])

    @router.post(
        "/requests/{request_id}/cancel",
        status_code=HTTPStatus.ACCEPTED,
        summary="Cancel a request",
        operation_id="cancelRequest",
        dependencies=NO_QUERY,
        responses={
            202: openapi.CANCEL_ACCEPTED,
            **openapi.problems(
                ProblemType.UNKNOWN_REQUEST,
                ProblemType.ALREADY_FINISHED,
                ProblemType.PARAMETER,
                ProblemType.UNREADABLE_RECORD,
                ProblemType.UNAVAILABLE,
                instead=openapi.UNKNOWN_QUERY["cancel"],
            ),
        },
        openapi_extra=openapi.REQUEST,
    )
    async def cancel(request: Request, response: Response) -> CancelAccepted:
        """Stop processing a Pending request. What is compressed by then is kept.

        The request stays Pending, with `cancelling` set, until its outputs are written; then it is Cancelled. If all
        images have ended before the cancellation takes effect, the request is Completed or Failed as usual. Cancelling
        again has no further effect; the response is a 202 with the resulting status, also after the finish. A cancelled
        request can be retried.
        """
        accepted = await cancellations.cancel(request_id_of(request.path_params["request_id"]))
        is_pending = accepted.status is RequestStatus.PENDING
        headers = locations.of_accepted if is_pending else locations.of_status
        response.headers.update(headers(accepted.request_id))
        return accepted

    return router
