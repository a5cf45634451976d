"""Idle connections, kept for the next request to their origin.

httpcore's own pool compares every connection with every other one at each request; with 64 connections that costs more
than the request itself. Here they are looked up by origin.
"""

import time

import httpcore

Origin = tuple[bytes, bytes, int | None]
"""Scheme, host and port as in the URL."""

_SWEEP_SECONDS = 1.0


class IdleConnections:
    """At most `limit` connections over all origins. Expired and disconnected ones are closed regularly."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: dict[Origin, list[httpcore.AsyncHTTPConnection]] = {}
        self._count = 0
        self._next_sweep = 0.0

    async def take(self, origin: Origin) -> httpcore.AsyncHTTPConnection | None:
        """The most recently used connection to `origin`, or None."""
        while connection := self._pop(origin):
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    def _pop(self, origin: Origin) -> httpcore.AsyncHTTPConnection | None:
        kept = self._kept.get(origin)
        if not kept:
            return None
        connection = kept.pop()
        if not kept:
            del self._kept[origin]
        self._count -= 1
        return connection

    async def keep(self, origin: Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep `connection`, or close it if its response was not read to its end or the limit is reached."""
        if time.monotonic() >= self._next_sweep:
            await self._sweep()
        if connection.is_idle() and self._count < self._limit:
            self._kept.setdefault(origin, []).append(connection)
            self._count += 1
        else:
            await connection.aclose()

    async def _sweep(self) -> None:
        """Close expired connections: those to hosts without further requests would otherwise stay open forever."""
        self._next_sweep = time.monotonic() + _SWEEP_SECONDS
        before, self._kept, self._count = self._kept, {}, 0
        for origin, connections in before.items():
            for connection in connections:
                if connection.has_expired():
                    await connection.aclose()
                else:
                    self._kept.setdefault(origin, []).append(connection)
                    self._count += 1

    async def close(self) -> None:
        """Close all connections."""
        before, self._kept, self._count = self._kept, {}, 0
        for connections in before.values():
            for connection in connections:
                await connection.aclose()
