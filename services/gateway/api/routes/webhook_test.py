"""POST /webhooks/test."""

from fastapi import APIRouter, Request, Response

from services.gateway.api import openapi
from services.gateway.api.routes.reading import NO_QUERY
from services.gateway.web import ProblemType, WebhookTestResult
from services.gateway.webhooks import WebhookTester


def webhook_test_router(tester: WebhookTester) -> APIRouter:
    router = APIRouter(tags=["webhooks"])

    @router.post(
        "/webhooks/test",
        summary="Test a webhook",
        operation_id="testWebhook",
        dependencies=NO_QUERY,
        responses={
            200: openapi.WEBHOOK_TESTED,
            **openapi.problems(
                ProblemType.TOO_LARGE,
                ProblemType.CONTENT_TYPE,
                ProblemType.PARAMETER,
                ProblemType.FIELDS,
                ProblemType.TOO_MANY_TESTS,
                ProblemType.UNAVAILABLE,
                instead=openapi.WEBHOOK_TEST_PROBLEMS,
            ),
        },
        openapi_extra=openapi.WEBHOOK_TO_TEST,
    )
    async def test(request: Request, response: Response) -> WebhookTestResult:
        """Send an event `webhook.test` to the URL, signed like every webhook, and return how the receiver responded.

        It is one call, with the same rules and the same timeout as a delivery. Nothing is recorded or tried again. The
        response is a 200 even if the receiver refuses the event or cannot be reached: `delivered` is then false, and
        `error` gives the reason.
        """
        response.headers["Cache-Control"] = "no-store"
        return await tester.test(request)

    return router
