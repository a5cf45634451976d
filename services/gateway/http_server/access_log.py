"""Logs a line for each HTTP request, except those to the health endpoints."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.observability import HEALTH_PATHS

log = structlog.get_logger(__name__)


class AccessLog:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH_PATHS:
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        status: int | None = None  # stays None if the client leaves before the response

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            log.info(
                "http_request",
                method=scope["method"],
                scheme=scope["scheme"],
                path=scope["path"],
                client=scope["client"][0] if scope.get("client") else None,
                status=status,
                milliseconds=round((time.perf_counter() - started_at) * 1000),
            )
