"""The one name of a URL's host, used for counts, limits and circuits. Pure."""

from urllib.parse import SplitResult, urlsplit

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}


def host_name(url: str) -> str:
    """The host of an absolute http(s) URL: lower-case, ASCII, with the port unless it is the scheme's default.

    Another port is another server, which can work while this one does not. Raises ValueError if the URL cannot be
    split or its host cannot be written in ASCII.
    """
    parts = urlsplit(url)
    host = ascii_host(parts)
    if ":" in host:
        host = f"[{host}]"
    return host if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def ascii_host(parts: SplitResult) -> str:
    """The host in ASCII, as httpx writes it (IDNA 2008). Raises UnicodeError for a host that httpx cannot request."""
    host = parts.hostname or ""
    if not parts.netloc.isascii():  # `hostname` is lower-case, which makes an ASCII letter of the Kelvin sign
        return idna.encode(host).decode("ascii")
    if host.startswith("xn--"):
        idna.decode(host)  # httpx does so for the Host header
    return host
