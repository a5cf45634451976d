"""The one parser of http(s) URLs: what a text means, by the rules of browsers (https://url.spec.whatwg.org). Pure.

Whoever checks, counts, dials or names a URL takes its parts from here, so that the host that was checked is the host
that is dialled. Ada, the parser of Node.js, does the parsing; docs/decisions/0029-urls-as-browsers-read-them.md.
"""

import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, unquote_to_bytes

import ada_url

from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode

MAX_URL_CHARS = 2048
MAX_REDIRECT_CHARS = 8192
"""Limit for the URL of a redirect: those that stores sign have a kilobyte or two of parameters."""
DEFAULT_PORTS = {"http": 80, "https": 443}

_SLASHES = re.compile(r"\s*https?:[/\\]{2}(?![\t\r\n]*+[/\\])", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # tabs and line ends are removed, as browsers do
_NORMAL = re.compile(
    r"(?P<scheme>https?)://(?:(?P<user>[^:/@]*)(?::(?P<password>[^/@]*))?@)?"
    r"(?:\[(?P<ipv6>[0-9a-f:]+)\]|(?P<name>[^/:]+))(?::(?P<port>[0-9]+))?(?P<target>/[^#]*)(?:#.*)?",
    re.DOTALL,
)
_HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_AUTHORITY = re.compile(r"\s*https?:[/\\]*(?:[^/\\?#]*@)?([^/\\?#]*)", re.IGNORECASE)
_PORT = re.compile(r":([^:\]]*)\Z")
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)

_NOT_HTTP = "not an http or https URL"
_NO_HOST = "the URL has no host"
_BAD_HOST = "the host name is not valid"
_BAD_ADDRESS = "the host is not a valid IPv4 address"
_BAD_PORT = "the port is not a number from 1 to 65535"


class InvalidUrl(Exception):
    """Not an absolute http or https URL that may be requested. detail: what is wrong. advice: how to correct it."""

    def __init__(self, detail: str, advice: str = ERROR_GUIDES[ErrorCode.INVALID_URL].advice) -> None:
        super().__init__(detail)
        self.detail = detail
        self.advice = advice


@dataclass(frozen=True, slots=True)
class WebUrl:
    """An http(s) URL in its normal form, which is ASCII.

    host: an IP address, or a name in lower case; IPv6 without brackets. Names are those of IDNA 2008 and UTS 46.
    target: path and query, as the first line of a request has them.
    credentials: user, colon and password, decoded; None if the URL has neither.
    """

    scheme: str
    host: str
    port: int
    target: str
    credentials: bytes | None = field(default=None, repr=False)

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The host as an address; None if it is a name."""
        if ":" not in self.host and not self.host[-1].isdigit():
            return None  # asking ip_address takes longer
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """The value of the header Host: the port is left out if it is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def host_name(self) -> str:
        """The one name of the host for counts, limits and circuits: as `authority`, without the dot of the DNS root.

        Another port is another server, which can work while this one does not.
        """
        return replace(self, host=self.tls_name).authority if self.host.endswith(".") else self.authority

    @property
    def tls_name(self) -> str:
        """The name for TLS, which has no dot at its end (RFC 6066, section 3)."""
        return self.host.removesuffix(".")

    @property
    def authorization(self) -> str | None:
        """The header Authorization for the credentials: Basic authentication (RFC 7617)."""
        return None if self.credentials is None else f"Basic {b64encode(self.credentials).decode()}"

    @property
    def text_with_credentials(self) -> str:
        """The URL with its credentials, whose special characters are percent-encoded, so that redaction finds them."""
        if self.credentials is None:
            return str(self)
        user, _, password = self.credentials.partition(b":")
        return f"{self.scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{self.authority}{self.target}"

    def join(self, reference: str) -> "WebUrl":
        """The URL that `reference`, such as the header Location, means here: at most MAX_REDIRECT_CHARS.

        Raises InvalidUrl.
        """
        return _parsed(reference, str(self))

    def __str__(self) -> str:
        """The URL without credentials and fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> WebUrl:
    """The absolute URL that a browser would open. Raises InvalidUrl.

    Stricter than a browser: exactly two slashes must follow the scheme. Control characters other than tabs and line
    ends, host names that no domain can have, and port 0 are refused.
    """
    return _parsed(text, None)


def host_name(url: str) -> str:
    """`WebUrl.host_name` of a text. Raises InvalidUrl."""
    return parse_url(url).host_name


def _parsed(text: str, base: str | None) -> WebUrl:
    limit = MAX_URL_CHARS if base is None else MAX_REDIRECT_CHARS
    if len(text) > limit:
        raise _too_long(limit)
    if _CONTROL.search(text):
        raise InvalidUrl("control character in the URL")
    try:
        normal = ada_url.URL(text, base).href
    except ValueError:  # also of text that is not Unicode, such as half of a surrogate pair
        is_authority = base is not None and text.lstrip().startswith(("//", "\\\\"))
        raise InvalidUrl(_fault_in(f"http:{text.lstrip()}" if is_authority else text)) from None
    if base is not None and len(normal) > limit:
        raise _too_long(limit)
    parts = _NORMAL.fullmatch(normal)
    if parts is None or (base is None and _SLASHES.match(text) is None):
        raise InvalidUrl(_NOT_HTTP)
    scheme, user, password, ipv6, name, port, target = parts.groups()
    if port == "0":
        raise InvalidUrl(_BAD_PORT)
    if name is not None and _HOST_NAME.fullmatch(name) is None:
        raise InvalidUrl(_BAD_HOST)
    if "|" in target:  # the standard leaves it in a path; Chromium does not, and some servers refuse it
        path, mark, query = target.partition("?")
        target = path.replace("|", "%7C") + mark + query
    credentials = None if user is None else _credentials(user, password or "")
    return WebUrl(scheme, name or ipv6, int(port) if port else DEFAULT_PORTS[scheme], target, credentials)


def _too_long(limit: int) -> InvalidUrl:
    return InvalidUrl(f"the URL is longer than {limit:,} characters")


def _credentials(user: str, password: str) -> bytes:
    name = unquote_to_bytes(user)
    if b":" in name:
        raise InvalidUrl("a colon in the user name", "Basic authentication cannot send it.")
    return name + b":" + unquote_to_bytes(password)


def _fault_in(text: str) -> str:
    """What is wrong with a text that browsers refuse: they do not say."""
    found = _AUTHORITY.match(text)
    if found is None:
        return _NOT_HTTP
    host = found[1]
    if port := _PORT.search(host):
        host = host[: port.start()]
        if host and not (port[1].isascii() and port[1].isdigit() and int(port[1]) <= 65535):
            return _BAD_PORT
    if not host:
        return _NO_HOST
    return _BAD_ADDRESS if _ENDS_IN_NUMBER.fullmatch(host) else _BAD_HOST
