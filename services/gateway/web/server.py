"""The API's server, inside the process's own event loop."""

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.observability import InProcessServer

_KEEP_ALIVE_SECONDS = 75  # longer than load balancers keep idle connections, so that they hang up and not we


class HttpServer:
    """Answers with `app`, which may be exchanged while it runs."""

    def __init__(self, app: ASGIApp, drain_timeout: float) -> None:
        """`drain_timeout`: seconds that requests under way get to finish when the server stops."""
        self.app = app
        self._server = InProcessServer(
            uvicorn.Config(
                self._answer,
                interface="asgi3",
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=max(int(drain_timeout), 1),
            )
        )
        self._running: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Answer on `listener`, which is closed in the end."""
        self._running = asyncio.create_task(self._server.serve(sockets=[listener]), name="http-server")
        self._running.add_done_callback(lambda _: self._server.listening.set())
        await self._server.listening.wait()
        if self._running.done():
            self._running.result()

    async def stop(self) -> None:
        """Take no more requests, and wait for those under way. Once more does nothing."""
        self._server.should_exit = True
        if self._running is not None:
            await self._running

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, IPv6 if `host` says so. Raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)
