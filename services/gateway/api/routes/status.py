"""GET and HEAD of /status."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request, Response

from services.gateway.api import openapi
from services.gateway.api.routes.reading import get_and_head
from services.gateway.requests import PausedHosts, request_details, retry_after
from services.gateway.web import ProblemType, RequestDetails, check_query, request_id_of, unknown_request
from services.gateway.webhooks import webhook_status
from shared.contracts.states import RequestStatus
from shared.persistence import Database


def status_router(database: Database, public_base_url: str, clock: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(tags=["requests"])
    paused_hosts = PausedHosts(database)

    @get_and_head(
        router,
        "/status",
        summary="Get a request's status",
        operation_id="getRequestStatus",
        responses={
            200: openapi.REQUEST_DETAILS,
            **openapi.problems(
                ProblemType.UNKNOWN_REQUEST,
                ProblemType.PARAMETER,
                ProblemType.UNREADABLE_RECORD,
                ProblemType.UNAVAILABLE,
            ),
        },
        openapi_extra=openapi.REQUEST_IN_QUERY,
    )
    async def status(request: Request, response: Response) -> RequestDetails:
        """The state, the options that apply, the progress, and the URLs of the outputs once they are available.

        While the request is Pending, `Retry-After` is the time after which something can have changed.
        """
        query = check_query(request.url.path, request.query_params.multi_items(), required=("request_id",))
        request_id = request_id_of(query["request_id"])
        found = await database.requests.current(request_id)
        now = clock()
        if found is None or found.has_expired(now):
            raise unknown_request(request_id)
        response.headers["Cache-Control"] = "no-store"
        waiting = []
        if found.status is RequestStatus.PENDING:
            waiting = await paused_hosts.of_request(request_id, now)
            response.headers["Retry-After"] = str(retry_after(found, waiting, now))
        deliveries = await database.deliveries.of_request(request_id) if found.webhook_url else []
        return request_details(found, public_base_url, waiting, webhook_status(found, deliveries))

    return router
