"""Sends a GET to a host within a time limit and the host's request limits, and follows redirects to allowed URLs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from time import monotonic
from typing import TypeVar

import httpx

from services.downloader.fetch_error import REQUEST_ERRORS, FetchError, as_fetch_error
from services.downloader.host_limiter import HostLimiter
from services.downloader.outcomes import FetchFailure
from services.downloader.validators import CONDITIONAL_HEADERS
from shared.outbound import GuardedClient
from shared.url_policy import AddressPolicy, InvalidUrl, check_url, host_name

T = TypeVar("T")
ReadBody = Callable[[httpx.Response], Awaitable[T | None]]
"""Reads a response whose body is still unread; returns None if the response is not the requested one."""

FULL_CONTENT = frozenset({200, 203})
"""The statuses of responses with the whole content."""

# Some hosts compress the body all the same; it is judged by its bytes like any other.
REQUEST_HEADERS: Mapping[str, str] = {"Accept": "image/*, */*;q=0.1", "Accept-Encoding": "identity"}
FIRST_BYTE_MS = "first_byte_ms"
"""A response's extension: the milliseconds from the request to the head of the response."""
REDIRECTED = "redirected"
"""A response's extension: whether a redirect led to it."""

_MAX_PAGE_BYTES = 16 * 1024
_MAX_PAGE_SECONDS = 0.2


class HttpRequester:
    """Sends GETs through `client`, which checks addresses by `policy`, with at most `max_redirects` redirects each."""

    def __init__(self, client: GuardedClient, policy: AddressPolicy, hosts: HostLimiter, max_redirects: int) -> None:
        self._client = client
        self._policy = policy
        self._hosts = hosts
        self._max_redirects = max_redirects

    async def get(self, url: str, headers: Mapping[str, str], read_body: ReadBody[T], seconds: float) -> T:
        """The result of `read_body`, redirects included, within `seconds`. Raises FetchError."""
        visited: list[httpx.URL] = []
        try:
            return await self._get_in_time(url, headers, read_body, seconds, visited)
        except FetchError as error:
            error.after_cross_host_redirect = bool(visited) and (
                host_name(str(visited[-1])) != host_name(str(visited[0]))
            )
            raise

    async def _get_in_time(
        self, url: str, headers: Mapping[str, str], read_body: ReadBody[T], seconds: float, visited: list[httpx.URL]
    ) -> T:
        try:
            check_url(url, self._policy)
            first = _parse(url)
            async with AsyncExitStack() as permit:
                await permit.enter_async_context(self._hosts.permit(host_name(url)))  # takes none of the host's time
                async with asyncio.timeout(seconds):
                    return await self._follow(first, headers, read_body, visited, permit)
        except REQUEST_ERRORS as error:
            raise as_fetch_error(error) from error
        except TimeoutError:
            raise FetchError(FetchFailure.TIMED_OUT, f"not finished after {seconds:g} s") from None

    async def _follow(
        self,
        url: httpx.URL,
        headers: Mapping[str, str],
        read_body: ReadBody[T],
        visited: list[httpx.URL],
        permit: AsyncExitStack,
    ) -> T:
        """Appends each requested URL to `visited`. `permit` holds that of the first host, then that of the next one."""
        for _ in range(self._max_redirects + 1):
            visited.append(url)
            result = await self._send(url, headers, read_body, redirected=len(visited) > 1)
            if not isinstance(result, httpx.URL):
                return result
            self._check_redirect(result)
            url = result
            await permit.aclose()
            await permit.enter_async_context(self._hosts.permit(host_name(str(url))))
            # A validator belongs to the URL that sent it. Elsewhere, another image could pass for the unchanged one.
            headers = {name: value for name, value in headers.items() if name not in CONDITIONAL_HEADERS}
        raise FetchError(FetchFailure.BAD_REDIRECT, f"more than {self._max_redirects} redirects")

    async def _send(
        self, url: httpx.URL, headers: Mapping[str, str], read_body: ReadBody[T], *, redirected: bool
    ) -> T | httpx.URL:
        """The result of `read_body`, or the URL of a redirect."""
        started = monotonic()
        async with self._client.stream("GET", url, headers) as response:
            first_byte_ms = response.extensions[FIRST_BYTE_MS] = round((monotonic() - started) * 1000)
            response.extensions[REDIRECTED] = redirected
            result = await read_body(response)
            if result is not None:
                return result
            await _skip_page(response)
        if response.has_redirect_location:
            return url.join(response.headers["Location"])
        reason = f"HTTP {response.status_code} {response.reason_phrase}"
        error = FetchError(response.status_code, reason, response.headers.get("Retry-After"))
        error.first_byte_ms = first_byte_ms
        raise error

    def _check_redirect(self, url: httpx.URL) -> None:
        try:
            check_url(str(url), self._policy)
        except InvalidUrl as error:
            raise FetchError(FetchFailure.BAD_REDIRECT, f"redirected to an invalid URL: {error.detail}") from error


def _parse(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:  # httpx is stricter about host names than check_url
        raise InvalidUrl(str(error)) from None


async def _skip_page(response: httpx.Response) -> None:
    """Read the body of a redirect or an error if it is short, so that the connection can be reused."""
    length = 0
    with suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(_MAX_PAGE_SECONDS):
            async for piece in response.aiter_raw():
                length += len(piece)
                if length > _MAX_PAGE_BYTES:
                    return
