"""Creates the HTTP client for untrusted URLs."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import httpx

from shared.outbound.dialer import GuardedDialer
from shared.outbound.resolver import Resolve, ThreadedResolver
from shared.outbound.transport import TARGET, KeepAliveTransport
from shared.url_policy import AddressPolicy, WebUrl

# Apache and Node close idle connections after five seconds; we close them first.
_IDLE_SECONDS = 4.0


class GuardedClient:
    """Sends requests through `transport`, and does nothing else.

    httpx.AsyncClient would handle cookies, authentication, redirects and hooks, which for untrusted URLs must not
    happen; its `send` alone costs 50 µs of CPU.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, user_agent: str, timeout: httpx.Timeout) -> None:
        self._transport = transport
        self._headers = {"User-Agent": user_agent}
        self._extensions: dict[str, object] = {"timeout": timeout.as_dict()}

    @asynccontextmanager
    async def stream(
        self, method: str, url: WebUrl, headers: Mapping[str, str], content: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The response to one request, with an unread body.

        Credentials in `url` are not sent. Raises BlockedAddress and httpx.TransportError.
        """
        request = httpx.Request(
            method,
            str(url),
            headers={"Host": url.authority} | self._headers | dict(headers),
            content=content,
            extensions=self._extensions | {TARGET: url},
        )
        response = await self._transport.handle_async_request(request)
        response.request = request
        try:
            yield response
        finally:
            await response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._transport.aclose()


def open_guarded_client(
    policy: AddressPolicy,
    *,
    user_agent: str,
    timeout: httpx.Timeout,
    max_idle: int,
    resolve: Resolve | None = None,
    tls: ssl.SSLContext | None = None,
) -> GuardedClient:
    """A client that connects only to addresses that `policy` allows, whatever a name resolves to.

    It does not follow redirects or keep cookies, and ignores proxies and credentials in the environment.
    timeout: `connect` limits name resolution and connecting, and again the TLS handshake; `read` limits the wait for
        the head of a response, and then for each part of its body. The caller limits the whole request and the number
        of concurrent requests.
    max_idle: maximum idle connections, over all hosts.
    resolve: resolves a name to addresses; the system's resolver by default.
    tls: by default with certifi's authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR.
    Requests raise BlockedAddress or httpx.TransportError, whose subclasses include NameNotResolved and TlsError.
    """
    tls = tls or httpx.create_ssl_context()
    tls.set_alpn_protocols(["http/1.1"])
    dialer = GuardedDialer(policy, resolve or ThreadedResolver(), tls)
    transport = KeepAliveTransport(dialer, max_idle=max_idle, idle_seconds=_IDLE_SECONDS)
    return GuardedClient(transport, user_agent, timeout)
