"""A TCP proxy on loopback that a test can cut, to take a server away from one client alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_PIECE = 64 * 1024


class TcpProxy:
    """Forwards connections to `host`:`port`; see `open_proxy`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.port = 0

    def drop_connections(self) -> None:
        """Break every connection that is open now; new ones are let through."""
        for writer in self._writers:
            writer.transport.abort()

    def cut(self) -> None:
        """Break every connection and break new ones at once, until `restore`."""
        self._cut = True
        self.drop_connections()

    def restore(self) -> None:
        self._cut = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        with suppress(OSError):
            server_reader, server_writer = await asyncio.open_connection(*self._target)
            ends = (writer, server_writer)
            self._writers.update(ends)
            try:
                await asyncio.gather(_pump(reader, server_writer), _pump(server_reader, writer))
            finally:
                self._writers.difference_update(ends)
                for end in ends:
                    end.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(_PIECE):
            sink.write(piece)
            await sink.drain()
    sink.transport.abort()


@asynccontextmanager
async def open_proxy(host: str, port: int) -> AsyncIterator[TcpProxy]:
    """A proxy on a free port, `proxy.port`."""
    proxy = TcpProxy(host, port)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(proxy.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
