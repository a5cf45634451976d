"""Creates the HTTP client for untrusted URLs."""

import ssl
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from urllib.request import Request

import httpx

from shared.outbound.dialer import GuardedDialer
from shared.outbound.resolver import Resolve, ThreadedResolver
from shared.outbound.transport import KeepAliveTransport
from shared.url_policy import AddressPolicy

# Apache and Node close idle connections after five seconds; we close them first.
_IDLE_SECONDS = 4.0


def open_guarded_client(
    policy: AddressPolicy,
    *,
    user_agent: str,
    timeout: httpx.Timeout,
    max_idle: int,
    resolve: Resolve | None = None,
    tls: ssl.SSLContext | None = None,
) -> httpx.AsyncClient:
    """A client that connects only to addresses that `policy` allows, whatever a name resolves to.

    It does not follow redirects or keep cookies, and ignores proxies and credentials in the environment.
    timeout: `connect` limits name resolution and connecting, and again the TLS handshake; `read` limits the wait for
        data. The caller limits the whole request and the number of concurrent requests.
    max_idle: maximum idle connections, over all hosts.
    resolve: resolves a name to addresses; the system's resolver by default.
    tls: by default with certifi's authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR.
    Requests raise BlockedAddress or httpx.TransportError, whose subclasses include NameNotResolved and TlsError.
    """
    transport = KeepAliveTransport(
        GuardedDialer(policy, resolve or ThreadedResolver()),
        tls or httpx.create_ssl_context(),
        max_idle=max_idle,
        idle_seconds=_IDLE_SECONDS,
    )
    return httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        cookies=_NoCookies(),
        headers={"User-Agent": user_agent},
        timeout=timeout,
    )


class _NoCookies(CookieJar):
    """Stores no cookies, so that a host cannot recognise us or see another host's cookies."""

    def extract_cookies(self, response: HTTPResponse, request: Request) -> None:
        pass
