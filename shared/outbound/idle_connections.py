"""Idle connections, kept for the next request to their origin."""

import asyncio
import time

from shared.outbound.connection import Connection

Origin = tuple[str, str, int]
"""Scheme, host and port."""

_SWEEP_SECONDS = 1.0


class IdleConnections:
    """At most `limit` connections over all origins, each for `seconds`. Used on the event loop."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._kept: dict[Origin, list[tuple[Connection, float]]] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, origin: Origin) -> Connection | None:
        """The most recently used connection to `origin`, or None."""
        while kept := self._kept.get(origin):
            connection, expires_at = kept.pop()
            self._count -= 1
            if not kept:
                del self._kept[origin]
            if connection.usable and time.monotonic() < expires_at:
                return connection
            connection.abort()
        return None

    def keep(self, origin: Origin, connection: Connection) -> None:
        """Keep `connection`, or close it if the limit is reached."""
        if self._count >= self._limit:
            connection.abort()
            return
        self._kept.setdefault(origin, []).append((connection, time.monotonic() + self._seconds))
        self._count += 1
        if self._timer is None:
            self._sweep_later()

    def _sweep_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close what has expired, and what its host has closed."""
        now = time.monotonic()
        before, self._kept, self._count, self._timer = self._kept, {}, 0, None
        for origin, connections in before.items():
            for connection, expires_at in connections:
                if connection.usable and now < expires_at:
                    self._kept.setdefault(origin, []).append((connection, expires_at))
                    self._count += 1
                else:
                    connection.abort()
        if self._kept:
            self._sweep_later()

    def close(self) -> None:
        """Close all connections."""
        if self._timer is not None:
            self._timer.cancel()
        before, self._kept, self._count = self._kept, {}, 0
        for connections in before.values():
            for connection, _ in connections:
                connection.abort()
