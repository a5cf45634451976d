"""Names to addresses, in threads of their own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) to its IP addresses in the order to try them; raises socket.gaierror."""


class ThreadedResolver:
    """The system's resolver, asked once at a time for each name.

    A name whose servers are silent blocks its thread for many seconds. The loop's own threads are few and shared,
    so one such host would hold up all; here it holds one thread of `threads`, however many images it has.
    """

    def __init__(self, threads: int = 32) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`. Raises socket.gaierror."""
        key = (host, port)
        answer = self._asked.get(key)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._asked[key] = loop.run_in_executor(self._executor, _look_up, host, port)
            answer.add_done_callback(lambda done: self._forget(key, done))
        # Shielded: a caller that gives up must not take the answer away from the others.
        return await asyncio.shield(answer)

    def _forget(self, key: tuple[str, int], answer: asyncio.Future[list[str]]) -> None:
        del self._asked[key]
        if not answer.cancelled():
            answer.exception()  # all who asked may have given up; asyncio would complain that nobody looked


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label of no or too many characters
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
    return [str(entry[4][0]) for entry in found]
