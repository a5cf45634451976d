"""One bounded GET: so much time, so many bytes, so many redirects, and an image at the end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.downloader.fetch_fault import FETCH_ERRORS, FetchFault, as_fetch_fault
from services.downloader.host_limiter import HostLimiter
from services.downloader.outcomes import Trouble
from services.downloader.sniff import describe, image_type
from services.downloader.spool import HEAD_BYTES, Spool
from shared.outbound.address_guard import AddressPolicy
from shared.outbound.url_check import InvalidUrl, check_url

_WHOLE = {200, 203}
# A body that comes compressed all the same is judged by its bytes, like any other.
_HEADERS = {"Accept": "image/*, */*;q=0.1", "Accept-Encoding": "identity"}
_PAGE_BYTES = 16 * 1024
_PAGE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Fetched:
    """An original. A `body` on disk is gone when the context of its fetch is left. `ms` is how long it took."""

    body: bytes | Path
    size: int
    sha256: str
    content_type: str
    ms: int


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Of one download, redirects included: seconds, bytes, and how many redirects."""

    total_seconds: float
    max_bytes: int
    max_redirects: int


class Fetcher:
    """Downloads images through `client`, which judges addresses by `policy`."""

    def __init__(
        self, client: httpx.AsyncClient, policy: AddressPolicy, hosts: HostLimiter, limits: FetchLimits
    ) -> None:
        self._client = client
        self._policy = policy
        self._hosts = hosts
        self._limits = limits

    @asynccontextmanager
    async def fetch(self, url: str) -> AsyncIterator[Fetched]:
        """The image at `url`. Raises FetchFault."""
        started = time.monotonic()
        with Spool() as spool:
            content_type = await self._receive_in_time(url, spool)
            body = await spool.finish()
            ms = round((time.monotonic() - started) * 1000)
            yield Fetched(body, spool.size, spool.sha256, content_type, ms)

    async def _receive_in_time(self, url: str, spool: Spool) -> str:
        seconds = self._limits.total_seconds
        try:
            async with asyncio.timeout(seconds):
                check_url(url, self._policy)
                return await self._follow(_parse(url), spool)
        except FETCH_ERRORS as error:
            raise as_fetch_fault(error) from error
        except TimeoutError:
            raise FetchFault(Trouble.TOO_SLOW, f"not finished after {seconds:g} s") from None

    async def _follow(self, url: httpx.URL, spool: Spool) -> str:
        """Ask, and go where we are sent, until there is an image in `spool`; its media type."""
        for _ in range(self._limits.max_redirects + 1):
            answer = await self._ask(url, spool)
            if isinstance(answer, str):
                return answer
            self._check_redirect(answer)
            url = answer
        raise FetchFault(Trouble.BAD_REDIRECT, f"more than {self._limits.max_redirects} redirects")

    async def _ask(self, url: httpx.URL, spool: Spool) -> str | httpx.URL:
        """The media type of the image, now in `spool`, or where else to ask."""
        async with (
            self._hosts.slot(url.raw_host.decode("ascii")),
            self._client.stream("GET", url, headers=_HEADERS) as response,
        ):
            if response.status_code in _WHOLE:
                return await self._receive(response, spool)
            await _read_page(response)
        if response.next_request is not None:
            return response.next_request.url
        reason = f"HTTP {response.status_code} {response.reason_phrase}"
        raise FetchFault(response.status_code, reason, response.headers.get("Retry-After"))

    async def _receive(self, response: httpx.Response, spool: Spool) -> str:
        declared = int(response.headers.get("Content-Length", 0))  # h11 lets nothing but digits through
        if declared > self._limits.max_bytes:
            raise FetchFault(Trouble.TOO_LARGE, f"{declared} bytes, {self._limits.max_bytes} are allowed")
        content_type = None
        async for piece in response.aiter_raw():
            await spool.write(piece)
            if spool.size > self._limits.max_bytes:
                raise FetchFault(Trouble.TOO_LARGE, f"more than the {self._limits.max_bytes} bytes that are allowed")
            if content_type is None and spool.size >= HEAD_BYTES:
                content_type = _image_type(spool.head, response)
        return content_type or _image_type(spool.head, response)

    def _check_redirect(self, url: httpx.URL) -> None:
        try:
            check_url(str(url), self._policy)
        except InvalidUrl as error:
            raise FetchFault(Trouble.BAD_REDIRECT, f"redirected to an invalid URL: {error.detail}") from error


def _parse(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:  # httpx knows more about host names than check_url
        raise InvalidUrl(str(error)) from None


def _image_type(head: bytes, response: httpx.Response) -> str:
    if content_type := image_type(head):
        return content_type
    declared = response.headers.get("Content-Type")
    raise FetchFault(Trouble.NOT_AN_IMAGE, describe(head) + (f", declared as {declared}" if declared else ""))


async def _read_page(response: httpx.Response) -> None:
    """Read the page that comes with a redirect or an error, if it is short, so that the connection can be kept."""
    length = 0
    with suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(_PAGE_SECONDS):
            async for piece in response.aiter_raw():
                length += len(piece)
                if length > _PAGE_BYTES:
                    return
