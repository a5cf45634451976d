"""Asking a host for a URL: within the time, in one of the host's slots, and where redirects lead, if they may."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import httpx

from services.downloader.fetch_error import FETCH_ERRORS, FetchError, as_fetch_error
from services.downloader.host_limiter import HostLimiter
from services.downloader.outcomes import FetchFailure
from services.downloader.validators import CONDITIONS
from shared.url_policy import AddressPolicy, InvalidUrl, check_url, host_name

T = TypeVar("T")
Take = Callable[[httpx.Response], Awaitable[T | None]]
"""Makes what is wanted of an answer whose body is still to come; None for one that is not it."""

WHOLE = frozenset({200, 203})
"""The statuses of answers that bring all that was asked for."""

# A body that comes compressed all the same is judged by its bytes, like any other.
HEADERS: Mapping[str, str] = {"Accept": "image/*, */*;q=0.1", "Accept-Encoding": "identity"}
_PAGE_BYTES = 16 * 1024
_PAGE_SECONDS = 0.2


class HttpRequester:
    """Sends GETs through `client`, which judges addresses by `policy`; at most `max_redirects` redirects for each."""

    def __init__(
        self, client: httpx.AsyncClient, policy: AddressPolicy, hosts: HostLimiter, max_redirects: int
    ) -> None:
        self._client = client
        self._policy = policy
        self._hosts = hosts
        self._max_redirects = max_redirects

    async def ask(self, url: str, headers: Mapping[str, str], take: Take[T], seconds: float) -> T:
        """What `take` made of the answer, redirects and all within `seconds`. Raises FetchError."""
        trail: list[httpx.URL] = []
        try:
            return await self._ask_in_time(url, headers, take, seconds, trail)
        except FetchError as fault:
            fault.after_cross_host_redirect = bool(trail) and host_name(str(trail[-1])) != host_name(str(trail[0]))
            raise

    async def _ask_in_time(
        self, url: str, headers: Mapping[str, str], take: Take[T], seconds: float, trail: list[httpx.URL]
    ) -> T:
        try:
            async with asyncio.timeout(seconds):
                check_url(url, self._policy)
                return await self._follow(_parse(url), headers, take, trail)
        except FETCH_ERRORS as error:
            raise as_fetch_error(error) from error
        except TimeoutError:
            raise FetchError(FetchFailure.TOO_SLOW, f"not finished after {seconds:g} s") from None

    async def _follow(self, url: httpx.URL, headers: Mapping[str, str], take: Take[T], trail: list[httpx.URL]) -> T:
        """`trail` is told of each URL that is asked."""
        for _ in range(self._max_redirects + 1):
            trail.append(url)
            answer = await self._ask(url, headers, take)
            if not isinstance(answer, httpx.URL):
                return answer
            self._check_redirect(answer)
            url = answer
            # A version is of the URL that it was given for: elsewhere, another picture could pass for an unchanged one.
            headers = {name: value for name, value in headers.items() if name not in CONDITIONS}
        raise FetchError(FetchFailure.BAD_REDIRECT, f"more than {self._max_redirects} redirects")

    async def _ask(self, url: httpx.URL, headers: Mapping[str, str], take: Take[T]) -> T | httpx.URL:
        """What was taken, or where else to ask."""
        async with (
            self._hosts.slot(host_name(str(url))),
            self._client.stream("GET", url, headers=headers) as response,
        ):
            taken = await take(response)
            if taken is not None:
                return taken
            await _read_page(response)
        if response.next_request is not None:
            return response.next_request.url
        reason = f"HTTP {response.status_code} {response.reason_phrase}"
        raise FetchError(response.status_code, reason, response.headers.get("Retry-After"))

    def _check_redirect(self, url: httpx.URL) -> None:
        try:
            check_url(str(url), self._policy)
        except InvalidUrl as error:
            raise FetchError(FetchFailure.BAD_REDIRECT, f"redirected to an invalid URL: {error.detail}") from error


def _parse(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:  # httpx knows more about host names than check_url
        raise InvalidUrl(str(error)) from None


async def _read_page(response: httpx.Response) -> None:
    """Read the page that comes with a redirect or an error, if it is short, so that the connection can be kept."""
    length = 0
    with suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(_PAGE_SECONDS):
            async for piece in response.aiter_raw():
                length += len(piece)
                if length > _PAGE_BYTES:
                    return
