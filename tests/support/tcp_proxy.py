"""A TCP proxy on loopback that a test can cut, to make a server unreachable for one client only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_PIECE = 64 * 1024
_RETRY_SECONDS = 0.1


class TcpProxy:
    """Forwards connections to `host`:`port`; see `open_proxy`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut = False
        self._forwarding = asyncio.Event()
        self._forwarding.set()
        self._stranded: set[asyncio.StreamWriter] = set()
        self._never = asyncio.Event()
        self.accepted = 0
        self._answering = asyncio.Event()
        self._answering.set()
        self.port = 0

    def drop_connections(self) -> None:
        """Abort every open connection; new ones are accepted."""
        for writer in self._open:
            writer.transport.abort()

    def cut(self) -> None:
        """Abort every connection, and new ones at once, until `restore`."""
        self._cut = True
        self.drop_connections()

    def hold(self) -> None:
        """Keep the connections open but forward nothing until `restore`."""
        self._forwarding.clear()

    def strand(self) -> None:
        """Keep the open connections, silent both ways for ever; new ones are forwarded."""
        self._stranded |= self._open

    def hold_answers(self) -> None:
        """Forward what the client sends, but nothing of what the server answers, until `restore`."""
        self._answering.clear()

    def restore(self) -> None:
        self._cut = False
        self._forwarding.set()
        self._answering.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        self.accepted += 1
        self._open.add(writer)
        task = asyncio.ensure_future(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._open.discard(writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open.add(server_writer)
        await asyncio.gather(
            self._pump(reader, server_writer, self._forwarding),
            self._pump(server_reader, writer, self._forwarding, self._answering),
        )
        self._open.discard(server_writer)

    async def finish(self) -> None:
        """Abort every connection and wait until all are closed."""
        self.cut()
        self._forwarding.set()
        self._stranded.clear()
        self._never.set()
        self._answering.set()
        while self._tasks:
            self.drop_connections()
            await asyncio.wait(self._tasks, timeout=_RETRY_SECONDS)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *conditions: asyncio.Event) -> None:
        with suppress(OSError):
            while piece := await source.read(_PIECE):
                for condition in conditions:
                    await condition.wait()
                if sink in self._stranded:
                    await self._never.wait()
                sink.write(piece)
                await sink.drain()
        sink.transport.abort()


@asynccontextmanager
async def open_proxy(host: str, port: int) -> AsyncIterator[TcpProxy]:
    """A proxy on a free port, which is `proxy.port`."""
    proxy = TcpProxy(host, port)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        # CPython 3.11 leaves a connection half-open if its server closes in the loop iteration that accepts it.
        asyncio.get_running_loop().remove_reader(server.sockets[0])
        await asyncio.sleep(0)
        server.close()
        await proxy.finish()
        await server.wait_closed()
