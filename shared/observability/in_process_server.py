"""uvicorn in a process with other work: it does not handle signals, and reports when it listens."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


class InProcessServer(uvicorn.Server):
    """`listening` is set once it accepts connections. It ends when `should_exit` is set, not on a signal."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()
