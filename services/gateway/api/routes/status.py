"""GET /status."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.gateway.api import openapi
from services.gateway.requests.paused_hosts import paused_hosts
from services.gateway.requests.status import request_details, retry_after
from services.gateway.web.problems import unknown_request
from services.gateway.web.schemas import REQUEST_ID, RequestDetails
from shared.contracts.states import RequestStatus
from shared.persistence import Database


def status_router(database: Database, public_base_url: str, clock: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(tags=["requests"])

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
    ) -> RequestDetails:
        """The state, the options that apply, the progress, and the URLs of output CSV and report when they are there.

        While the request is Pending, `Retry-After` says when to ask again.
        """
        request = await database.requests.current(request_id) if len(request_id) == len(REQUEST_ID) else None
        if request is None:
            raise unknown_request(request_id)
        response.headers["Cache-Control"] = "no-store"
        waiting = []
        if request.status is RequestStatus.PENDING:
            waiting = await paused_hosts(database, request_id, clock())
            response.headers["Retry-After"] = str(retry_after(request.progress))
        return request_details(request, public_base_url, waiting)

    return router
