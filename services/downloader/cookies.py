"""The cookies of one download: what its redirects set is sent back, and then forgotten.

Some hosts check with a cookie and a redirect whether they talk to a browser, and redirect for ever without it.
"""

import re
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from shared.url_policy import WebUrl

MAX_COOKIES = 20
"""Maximum cookies taken from one response."""
MAX_COOKIE_BYTES = 4096
"""Maximum bytes of a cookie with its attributes; browsers have the same limit."""
MAX_HEADER_BYTES = 8192
"""Above this, no cookies are sent: servers accept no longer header."""

_HAS_DOMAIN = re.compile(rb";[ \t]*domain[ \t]*=", re.IGNORECASE)
_SENDABLE = re.compile(rb"[\x20-\x7e]{1,%d}" % MAX_COOKIE_BYTES)

_POLICY = DefaultCookiePolicy(strict_domain=True, strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)


class DownloadCookies:
    """Keeps cookies by the rules of browsers for domain, path, expiry and Secure, as the standard library knows them.

    It refuses cookies for the suffixes that it knows to be open to anyone, such as co.uk.
    """

    def __init__(self) -> None:
        self._cookies: httpx.Cookies | None = None

    def take(self, url: WebUrl, response: httpx.Response) -> None:
        """Keep the cookies that the response of `url` sets."""
        lines = [value for name, value in response.headers.raw if name.lower() == b"set-cookie"][:MAX_COOKIES]
        sendable = [line for line in lines if _SENDABLE.fullmatch(line)]
        if url.address is not None:  # the standard library would take its end for a domain
            sendable = [line for line in sendable if not _HAS_DOMAIN.search(line)]
        if not sendable:
            return
        if self._cookies is None:
            self._cookies = httpx.Cookies(CookieJar(_POLICY))
        headers: list[tuple[bytes, bytes]] = [(b"Set-Cookie", line) for line in sendable]
        self._cookies.extract_cookies(httpx.Response(200, headers=headers, request=_request(url)))

    def headers_for(self, url: WebUrl) -> dict[str, str]:
        """The header Cookie for a request of `url`, if there is one to send."""
        if self._cookies is None:
            return {}
        request = _request(url)
        self._cookies.set_cookie_header(request)
        cookie = request.headers.get("Cookie", "")
        return {"Cookie": cookie} if 0 < len(cookie) <= MAX_HEADER_BYTES else {}


def _request(url: WebUrl) -> httpx.Request:
    """A request of `url` with the header Host, without which httpx would decode the name: it cannot for i❤.ws."""
    return httpx.Request("GET", str(url), headers={"Host": url.authority})
