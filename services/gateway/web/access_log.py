"""A line in the log for each HTTP request, but for those that probes and Prometheus make."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_UNLOGGED = {"/livez", "/readyz", "/metrics"}

log = structlog.get_logger(__name__)


class AccessLog:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _UNLOGGED:
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status: int | None = None  # stays so if the client leaves, or an exception makes a 500 of it further out

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            log.info(
                "http_request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                milliseconds=round((time.perf_counter() - begun) * 1000),
            )
