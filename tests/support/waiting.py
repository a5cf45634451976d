"""Waits for a condition with a deadline: the only way in which a test waits for other tasks and processes."""

import asyncio
from collections.abc import Awaitable, Callable

_POLL_SECONDS = 0.02


async def until(
    condition: Callable[[], bool | Awaitable[bool]], within: float = 15, what: str | Callable[[], str] = "the condition"
) -> None:
    """Return as soon as `condition` holds; fail the test if it does not hold within `within` seconds.

    what: names the condition in the failure; a callable is evaluated only then.
    """
    try:
        async with asyncio.timeout(within):
            while not await _holds(condition):
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        name = what if isinstance(what, str) else what()
        raise AssertionError(f"not within {within} s: {name}") from None


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    result = condition()
    return result if isinstance(result, bool) else await result
