"""Waiting for what a test expects to happen, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool | Awaitable[bool]], within: float = 15, what: str = "it") -> None:
    """Returns once `condition` holds; fails the test if it does not, `within` seconds."""
    try:
        async with asyncio.timeout(within):
            while not await _holds(condition):
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen within {within} s") from None


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return answer if isinstance(answer, bool) else await answer
