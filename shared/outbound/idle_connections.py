"""Idle connections, kept for the next request to their origin."""

import time

from shared.outbound.connection import Connection

Origin = tuple[bytes, bytes, int | None]
"""Scheme, host and port as in the URL."""

_SWEEP_SECONDS = 1.0


class IdleConnections:
    """At most `limit` connections over all origins, each for `seconds`. `keep` closes expired ones."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._kept: dict[Origin, list[tuple[Connection, float]]] = {}
        self._count = 0
        self._next_sweep = 0.0

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
        now = time.monotonic()
        if now >= self._next_sweep:
            self._sweep(now)
        if self._count < self._limit:
            self._kept.setdefault(origin, []).append((connection, now + self._seconds))
            self._count += 1
        else:
            connection.abort()

    def _sweep(self, now: float) -> None:
        """Close expired connections: those to hosts without further requests would otherwise stay open forever."""
        self._next_sweep = now + _SWEEP_SECONDS
        before, self._kept, self._count = self._kept, {}, 0
        for origin, connections in before.items():
            for connection, expires_at in connections:
                if connection.usable and now < expires_at:
                    self._kept.setdefault(origin, []).append((connection, expires_at))
                    self._count += 1
                else:
                    connection.abort()

    def close(self) -> None:
        """Close all connections."""
        before, self._kept, self._count = self._kept, {}, 0
        for connections in before.values():
            for connection, _ in connections:
                connection.abort()
