"""Sends a GET to a host within a time limit and the host's request limits, and follows redirects to allowed URLs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from time import monotonic
from typing import TypeVar

import httpx

from services.downloader.cookies import DownloadCookies
from services.downloader.fetch_error import REQUEST_ERRORS, FetchError, as_fetch_error
from services.downloader.host_limiter import HostLimiter
from services.downloader.outcomes import FetchFailure
from services.downloader.validators import CONDITIONAL_HEADERS
from shared.outbound import GuardedClient
from shared.url_policy import AddressPolicy, InvalidUrl, WebUrl, check_redirect, check_url

T = TypeVar("T")
ReadBody = Callable[[httpx.Response], Awaitable[T | None]]
"""Reads a response whose body is still unread; returns None if the response is not the requested one."""

# Some hosts compress the body all the same: see content_coding.
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
        visited: list[WebUrl] = []
        try:
            return await self._get_in_time(url, headers, read_body, seconds, visited)
        except FetchError as error:
            error.after_cross_host_redirect = bool(visited) and visited[-1].host_name != visited[0].host_name
            raise

    async def _get_in_time(
        self, url: str, headers: Mapping[str, str], read_body: ReadBody[T], seconds: float, visited: list[WebUrl]
    ) -> T:
        try:
            first = check_url(url, self._policy)
            async with AsyncExitStack() as permit:
                await permit.enter_async_context(self._hosts.permit(first.host_name))  # takes none of the host's time
                async with asyncio.timeout(seconds):
                    return await self._follow(first, headers, read_body, visited, permit)
        except REQUEST_ERRORS as error:
            raise as_fetch_error(error) from error
        except TimeoutError:
            raise FetchError(FetchFailure.TIMED_OUT, f"not finished after {seconds:g} s") from None

    async def _follow(
        self,
        url: WebUrl,
        headers: Mapping[str, str],
        read_body: ReadBody[T],
        visited: list[WebUrl],
        permit: AsyncExitStack,
    ) -> T:
        """Appends each requested URL to `visited`. `permit` holds that of the first host, then that of the next one."""
        cookies = DownloadCookies()
        for _ in range(self._max_redirects + 1):
            visited.append(url)
            sent = {**headers, **cookies.headers_for(url)}
            result = await self._send(url, sent, read_body, cookies, redirected=len(visited) > 1)
            if not isinstance(result, WebUrl):
                return result
            url = result
            await permit.aclose()
            await permit.enter_async_context(self._hosts.permit(url.host_name))
            # A validator belongs to the URL that sent it. Elsewhere, another image could pass for the unchanged one.
            headers = {name: value for name, value in headers.items() if name not in CONDITIONAL_HEADERS}
        raise FetchError(FetchFailure.BAD_REDIRECT, f"more than {self._max_redirects} redirects")

    async def _send(
        self,
        url: WebUrl,
        headers: Mapping[str, str],
        read_body: ReadBody[T],
        cookies: DownloadCookies,
        *,
        redirected: bool,
    ) -> T | WebUrl:
        """The result of `read_body`, or the URL of a redirect, which may add to `cookies`."""
        started = monotonic()
        async with self._client.stream("GET", url, headers) as response:
            first_byte_ms = response.extensions[FIRST_BYTE_MS] = round((monotonic() - started) * 1000)
            response.extensions[REDIRECTED] = redirected
            result = await read_body(response)
            if result is not None:
                return result
            await _skip_page(response)
        if response.has_redirect_location:
            cookies.take(url, response)
            return self._redirected(url, response)
        reason = f"HTTP {response.status_code} {response.reason_phrase}"
        error = FetchError(response.status_code, reason, response.headers.get("Retry-After"))
        error.first_byte_ms = first_byte_ms
        raise error

    def _redirected(self, url: WebUrl, response: httpx.Response) -> WebUrl:
        try:
            target = url.join(_location(response))
            check_redirect(target, self._policy)
        except InvalidUrl as error:
            raise FetchError(FetchFailure.BAD_REDIRECT, f"redirected to an invalid URL: {error.detail}") from error
        return target


def _location(response: httpx.Response) -> str:
    """The header Location, with bytes beyond ASCII percent-encoded: browsers do not guess their encoding."""
    found = {value for name, value in response.headers.raw if name.lower() == b"location"}
    if len(found) > 1:
        raise FetchError(FetchFailure.BAD_REDIRECT, "redirected to several URLs at once")
    [raw] = found
    return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


async def _skip_page(response: httpx.Response) -> None:
    """Read the body of a redirect or an error if it is short, so that the connection can be reused."""
    length = 0
    with suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(_MAX_PAGE_SECONDS):
            async for piece in response.aiter_raw():
                length += len(piece)
                if length > _MAX_PAGE_BYTES:
                    return
