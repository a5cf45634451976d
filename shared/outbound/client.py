"""The HTTP client for addresses that strangers chose."""

import ssl
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from urllib.request import Request

import httpx

from shared.outbound.dialer import GuardedDialer
from shared.outbound.resolver import Resolve, ThreadedResolver
from shared.outbound.transport import KeepAliveTransport
from shared.url_policy import AddressPolicy

# Just under the five seconds after which Apache and Node hang up: we let go of a connection before they do.
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
    """A client that dials only what `policy` allows, whatever a name resolves to and wherever a redirect leads.

    It follows no redirect by itself, keeps no cookies, and takes no proxy and no credentials from the environment.
    timeout: `connect` bounds look-up and connecting, and again the TLS handshake; `read` the wait for each byte.
        The caller bounds the whole, and how many requests run at once.
    max_idle: connections kept for later requests, over all hosts.
    resolve: asks for a name's addresses; the system's resolver by default.
    tls: by default certifi's authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR.
    Requests raise BlockedAddress, or httpx.TransportError: among them NameNotResolved and TlsError.
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
    """Keeps none, so that no host learns what another one set, or that it was here before."""

    def extract_cookies(self, response: HTTPResponse, request: Request) -> None:
        pass
