"""The test of a webhook: a command to an aggregator, and its reply to the gateway."""

from pydantic import Field

from shared.contracts.bounds import Count, Detail, Id, Url, Word
from shared.contracts.messages.base import Message

WEBHOOK_TESTS_AT_ONCE = 8
"""How many tests of webhooks a gateway accepts, and an aggregator makes, at the same time."""

MAX_TEST_WAIT_SECONDS = 10
"""How long a `SendTestWebhook` waits for an aggregator; then the gateway has stopped waiting."""


class SendTestWebhook(Message):
    """Call the webhook at this URL once with an event `webhook.test`, and reply to `reply_to`."""

    test_id: Id = Field(description="Matches the reply to its command, and is the `webhook-id` of the call.")
    reply_to: Word = Field(description="Name of the queue that receives the reply.")
    url: Url = Field(description="The webhook's URL.")


class WebhookTested(Message):
    """How the receiver responded to a `SendTestWebhook`."""

    test_id: Id = Field(description="As in the command.")
    status: Count | None = Field(description="Status of the response; null if there was none.")
    error: Detail | None = Field(description="Why the call failed; null if the receiver accepted it.")
    duration_ms: Count = Field(description="Duration of the call in milliseconds.")
    response: Detail = Field(description="The start of the response's body, without credentials.")
