"""One signed call of a webhook's receiver."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime

import httpx
import structlog

from services.aggregator.echoed_credentials import without_credentials
from services.aggregator.settings import WebhookSettings
from services.aggregator.webhook_policy import WebhookResponse, signed_headers
from shared.observability import redact_text
from shared.outbound import GuardedClient
from shared.url_policy import BlockedAddress, InvalidUrl, WebUrl, check_url

_MAX_RESPONSE_BYTES = 4096  # credentials are recognised also where the excerpt ends
EXCERPT_BYTES = 1024

log = structlog.get_logger(__name__)


class WebhookCaller:
    """Checks the URL, signs the body, sends it, and reads the start of the response, all within the timeout."""

    def __init__(self, client: GuardedClient, settings: WebhookSettings, clock: Callable[[], datetime]) -> None:
        """`client` connects only to addresses that `settings.policy` allows, and follows no redirect."""
        self._client = client
        self._policy = settings.policy
        self._signers = settings.signers()
        self._timeout = settings.webhook_timeout
        self._clock = clock

    async def __call__(self, url: str, webhook_id: str, body: str) -> WebhookResponse:
        """The receiver's response, or why there is none. Raises nothing."""
        credentials: bytes | None = None
        answer: WebhookResponse | None = None  # the receiver may never finish its response
        start = bytearray()
        failure: str | None = None
        try:
            target = check_url(url, self._policy, credentials=True)
            credentials = target.credentials
            async with asyncio.timeout(self._timeout), self._post(target, webhook_id, body) as response:
                answer = WebhookResponse.of(response.status_code, response.headers)
                await _read_start(response, start)
        except (InvalidUrl, BlockedAddress) as error:
            failure = error.detail
        except (TimeoutError, httpx.TimeoutException):
            failure = "no response in time"
        except httpx.TransportError as error:
            failure = redact_text(str(error)) or type(error).__name__
        except Exception as error:  # otherwise the message of a receiver that triggers a bug is redelivered without end
            log.exception("webhook_attempt_crashed", webhook_id=webhook_id)
            failure = type(error).__name__
        if answer is None:
            return WebhookResponse(None, failure)
        return replace(answer, excerpt=_excerpt(bytes(start), credentials))

    def _post(self, url: WebUrl, webhook_id: str, body: str) -> AbstractAsyncContextManager[httpx.Response]:
        headers = signed_headers(webhook_id, body, self._signers, self._clock())
        headers |= {"accept": "*/*", "accept-encoding": "identity"}
        if url.authorization:
            headers["authorization"] = url.authorization
        return self._client.stream("POST", url, headers, body.encode())


async def _read_start(response: httpx.Response, start: bytearray) -> None:
    """Read a short body to its end, so that the receiver sees no broken connection; cut a long one off.

    A compressed body is not kept, since it is not readable.
    """
    is_text = response.headers.get("content-encoding", "identity") == "identity"
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if is_text:
            start += chunk
        if size > _MAX_RESPONSE_BYTES:
            return


def _excerpt(start: bytes, credentials: bytes | None) -> str:
    """Its first EXCERPT_BYTES as text. Credentials are removed first: a cut may hide what they are."""
    text = redact_text(without_credentials(start, credentials).decode(errors="replace"))
    return text.encode()[:EXCERPT_BYTES].decode(errors="ignore")
