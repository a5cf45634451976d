"""The id of one HTTP request: taken from X-Request-ID or generated, returned in X-Request-ID, and bound to the log.

Its name in logs and problem documents is `http_request_id`, because `request_id` is the id of an upload.
"""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

HEADER = "X-Request-ID"
STATE = "http_request_id"
# What tracing systems send: UUIDs, ULIDs, base64, paths. No character that needs care in a log or a header.
_USABLE = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


class HttpRequestId:
    """ASGI middleware. The id is `request.state.http_request_id`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        http_request_id = given if _USABLE.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})[STATE] = http_request_id
        # Not unbound: each request has its own task, in which the server logs exceptions after this method returned.
        bind_contextvars(http_request_id=http_request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"])[HEADER] = http_request_id
            await send(message)

        await self._app(scope, receive, send_with_id)
