"""The one name by which a URL's host is counted, limited and left alone. Pure."""

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_name(url: str) -> str:
    """Host of an absolute http(s) URL, lower-case and in ASCII, with the port if it is not its scheme's own.

    Another port is another server, which may be well while this one is not. Raises ValueError if the URL cannot be
    split or its host cannot be written in ASCII.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host.isascii():
        host = host.encode("idna").decode("ascii").lower()
    if ":" in host:
        host = f"[{host}]"
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"
