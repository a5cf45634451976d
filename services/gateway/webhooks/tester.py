"""Tests of webhooks: reads the URL from the request, checks it, and has an aggregator call it."""

import json
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from services.gateway.web import (
    InputError,
    Problem,
    WebhookTestResult,
    bad_fields,
    too_large_body,
    too_many_tests,
    wrong_body_type,
)
from services.gateway.webhooks.aggregator_client import AggregatorClient
from shared.contracts.messages import WEBHOOK_TESTS_AT_ONCE
from shared.url_policy import AddressPolicy, BlockedAddress, InvalidUrl, normal_webhook_url

FIELD_TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
MAX_BODY_BYTES = 32_768  # one field with a URL, in any encoding
_FIELD = "url"

Fields = Sequence[tuple[str, object]]


class _JsonObject(list[tuple[str, object]]):
    """The members of an object, also repeated ones."""


class WebhookTester:
    """Refuses a test while WEBHOOK_TESTS_AT_ONCE others run, since each may take as long as a timeout."""

    def __init__(self, aggregator: AggregatorClient, policy: AddressPolicy) -> None:
        self._aggregator = aggregator
        self._policy = policy
        self._running = 0

    async def test(self, http: Request) -> WebhookTestResult:
        """Call the webhook that the request names, once, and return the outcome.

        Raises Problem: 413 for a body of more than MAX_BODY_BYTES, 415 for another type of body, 422 for a URL that
        cannot be called, 429 if too many tests are running, 503 if no aggregator reports an outcome in time.
        """
        url = self._url(await _fields(http))
        if self._running >= WEBHOOK_TESTS_AT_ONCE:
            raise too_many_tests(WEBHOOK_TESTS_AT_ONCE)
        self._running += 1
        try:
            tested = await self._aggregator.test(url)
        finally:
            self._running -= 1
        return WebhookTestResult(
            webhook_id=tested.test_id,
            delivered=tested.error is None,
            status=tested.status,
            error=tested.error,
            duration_ms=tested.duration_ms,
            response=tested.response,
        )

    def _url(self, fields: Fields) -> str:
        counts = Counter(name for name, _ in fields)
        errors = [
            InputError(detail=f"{name[:64]!r} is not a field; the only one is {_FIELD}", parameter=name[:64])
            for name in counts
            if name != _FIELD
        ]
        if counts[_FIELD] > 1:
            errors.append(InputError(detail=f"{_FIELD} is given {counts[_FIELD]} times", parameter=_FIELD))
        given, url = dict(fields).get(_FIELD, ""), ""
        if not isinstance(given, str):
            errors.append(InputError(detail=f"{_FIELD} is not a string", parameter=_FIELD))
        elif given.strip():
            try:
                url = normal_webhook_url(given.strip(), self._policy)
            except (InvalidUrl, BlockedAddress) as fault:
                errors.append(InputError(detail=f"{_FIELD} cannot be called: {fault.detail}", parameter=_FIELD))
        else:
            errors.append(InputError(detail=f"{_FIELD} is missing", advice="Give the URL to call.", parameter=_FIELD))
        if errors:
            raise bad_fields(errors)
        return url


async def _fields(http: Request) -> Fields:
    """The names and values in the body."""
    body = await _body(http)
    if not body:
        raise _unreadable("the body is empty")
    content_type, parameters = parse_options_header(http.headers.get("Content-Type"))
    match content_type.decode("latin-1"):
        case "application/json":
            return _json_fields(body)
        case "application/x-www-form-urlencoded":
            return parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
        case "multipart/form-data" if parameters.get(b"boundary"):
            return await _multipart_fields(http, body)
        case "multipart/form-data":
            raise wrong_body_type("multipart/form-data without a boundary", FIELD_TYPES)
        case other:
            raise wrong_body_type(other, FIELD_TYPES)


async def _body(http: Request) -> bytes:
    body = bytearray()
    async with aclosing(http.stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise too_large_body(MAX_BODY_BYTES)
    return bytes(body)


def _json_fields(body: bytes) -> Fields:
    try:
        document = json.loads(body, object_pairs_hook=_JsonObject)
    except (ValueError, RecursionError):
        raise _unreadable("the body is not JSON") from None
    if not isinstance(document, _JsonObject):
        raise _unreadable("the body is not a JSON object")
    # A name may contain half of a surrogate pair, which no response can contain.
    return [(name.encode(errors="replace").decode(), value) for name, value in document]


async def _multipart_fields(http: Request, body: bytes) -> Fields:
    async def chunks() -> AsyncGenerator[bytes]:
        yield body

    try:
        form = await MultiPartParser(http.headers, chunks(), max_files=0).parse()
    except (MultiPartException, KeyError, UnicodeError):
        raise _unreadable("the body is not a form without files") from None
    return form.multi_items()


def _unreadable(detail: str) -> Problem:
    return bad_fields([InputError(detail=detail, advice='Send {"url": "https://…"}.')])
