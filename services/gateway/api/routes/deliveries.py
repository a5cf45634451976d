"""GET /requests/{request_id}/deliveries and POST /requests/{request_id}/deliveries/{delivery_id}/replay."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from services.gateway.api import openapi
from services.gateway.api.routes.reading import NO_QUERY, get_and_head
from services.gateway.web import DeliveryDetails, DeliveryList, Locations, ProblemType, request_id_of
from services.gateway.webhooks import DeliveryLog


def deliveries_router(deliveries: DeliveryLog, locations: Locations) -> APIRouter:
    router = APIRouter(tags=["webhooks"])
    _add_list(router, deliveries)
    _add_replay(router, deliveries, locations)
    return router


def _add_list(router: APIRouter, deliveries: DeliveryLog) -> None:
    @get_and_head(
        router,
        "/requests/{request_id}/deliveries",
        summary="List the deliveries of a request's webhook",
        operation_id="listDeliveries",
        dependencies=NO_QUERY,
        responses={
            200: openapi.DELIVERIES,
            **openapi.problems(
                ProblemType.UNKNOWN_REQUEST,
                ProblemType.PARAMETER,
                ProblemType.UNREADABLE_RECORD,
                ProblemType.UNAVAILABLE,
                instead=openapi.UNKNOWN_QUERY["deliveries"],
            ),
        },
        openapi_extra=openapi.REQUEST,
    )
    async def list_deliveries(request: Request, response: Response) -> DeliveryList:
        """Each delivery with its state, its next attempt, and a log of its attempts and replays.

        The list is empty until the first round has ended, and if the upload named no `webhook_url`.
        """
        response.headers["Cache-Control"] = "no-store"
        return await deliveries.deliveries(request_id_of(request.path_params["request_id"]))


def _add_replay(router: APIRouter, deliveries: DeliveryLog, locations: Locations) -> None:
    @router.post(
        "/requests/{request_id}/deliveries/{delivery_id}/replay",
        status_code=HTTPStatus.ACCEPTED,
        summary="Replay a delivery",
        operation_id="replayDelivery",
        dependencies=NO_QUERY,
        responses={
            202: openapi.REPLAY_ACCEPTED,
            **openapi.problems(
                ProblemType.UNKNOWN_REQUEST,
                ProblemType.UNKNOWN_DELIVERY,
                ProblemType.PARAMETER,
                ProblemType.UNREADABLE_RECORD,
                ProblemType.UNAVAILABLE,
                instead=openapi.UNKNOWN_QUERY["replay"],
            ),
        },
        openapi_extra=openapi.DELIVERY,
    )
    async def replay(request: Request, response: Response) -> DeliveryDetails:
        """Send the webhook once more, at once, whatever its state: the same id and body, signed anew.

        It is an attempt outside the schedule. If it succeeds, the delivery is delivered, and a webhook that a 410 had
        disabled is enabled again. A 410 disables the webhook of the request; after any other failure nothing else
        changes. The list of deliveries shows the outcome as soon as `replaying` is false. Until then, further replays
        of the delivery have the same response and no effect.
        """
        request_id = request_id_of(request.path_params["request_id"])
        replayed = await deliveries.replay(request_id, request.path_params["delivery_id"])
        response.headers["Location"] = locations.of_deliveries(request_id)
        return replayed
