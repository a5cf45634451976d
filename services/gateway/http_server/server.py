"""The API's server, inside the process's own event loop."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from services.gateway.http_server.access_log import AccessLog
from services.gateway.http_server.http_request_id import HttpRequestId
from shared.observability import InProcessServer
from shared.url_policy import Network

_KEEP_ALIVE_SECONDS = 75  # longer than load balancers keep idle connections, so that they close them and not we


class HttpServer:
    """Serves `app`, which may be replaced while the server runs, behind the middleware that every app needs."""

    def __init__(self, app: ASGIApp, drain_timeout: float, trusted_proxies: Sequence[Network] = ()) -> None:
        """`drain_timeout`: seconds in which open requests may finish when the server stops.

        `trusted_proxies`: X-Forwarded-For and X-Forwarded-Proto are honoured from these networks only.
        """
        self.app = app
        self._server = InProcessServer(
            uvicorn.Config(
                self._with_middleware(trusted_proxies),
                interface="asgi3",
                http="h11",  # not whichever parser is installed
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # it trusts the loopback by default; see _with_middleware
                reset_contextvars=True,  # no request inherits another one's log context
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=max(int(drain_timeout), 1),
            )
        )
        self._running: asyncio.Task[None] | None = None

    def _with_middleware(self, trusted_proxies: Sequence[Network]) -> Any:
        """From the outside in: the client's address, the request's id, the log."""
        inner = HttpRequestId(AccessLog(self._answer))
        # uvicorn and Starlette type the same ASGI messages differently.
        return ProxyHeadersMiddleware(cast(Any, inner), [str(network) for network in trusted_proxies])

    async def start(self, listener: socket.socket) -> None:
        """Serve on `listener`, which the server closes when it stops."""
        self._running = asyncio.create_task(self._server.serve(sockets=[listener]), name="http-server")
        self._running.add_done_callback(lambda _: self._server.listening.set())
        await self._server.listening.wait()
        if self._running.done():
            self._running.result()

    async def stop(self) -> None:
        """Accept no more requests, and wait for the open ones. A second call does nothing."""
        self._server.should_exit = True
        if self._running is not None:
            await self._running

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, IPv6 if `host` says so. Raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)
