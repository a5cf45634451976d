"""Resolves names to addresses, in its own threads."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Takes (host, port) and returns IP addresses in the order to try them. Raises socket.gaierror."""


class ThreadedResolver:
    """The system's resolver, with at most one lookup per name at a time.

    A name whose servers do not answer blocks a thread for many seconds. In the loop's small shared pool, such a host
    would block all others. Here it occupies one of `threads` threads, however many images it has.
    """

    def __init__(self, threads: int = 32) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._lookups: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`. Raises socket.gaierror."""
        key = (host, port)
        lookup = self._lookups.get(key)
        if lookup is None:
            loop = asyncio.get_running_loop()
            lookup = self._lookups[key] = loop.run_in_executor(self._executor, _look_up, host, port)
            lookup.add_done_callback(lambda done: self._forget(key, done))
        # Shielded: a caller that is cancelled must not cancel the lookup of the others.
        return await asyncio.shield(lookup)

    def _forget(self, key: tuple[str, int], lookup: asyncio.Future[list[str]]) -> None:
        del self._lookups[key]
        if not lookup.cancelled():
            lookup.exception()  # otherwise asyncio warns about an unretrieved exception if all callers were cancelled


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label of no or too many characters
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
    return [str(entry[4][0]) for entry in found]
