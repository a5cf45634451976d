"""Resolves names and dials the addresses that the URL policy allows."""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from shared.outbound.connection import Connection
from shared.outbound.resolver import Resolve
from shared.url_policy import AddressPolicy, WebUrl

_MAX_DIALLED = 8
_NO_SUCH_HOST = {socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY}


class NameNotResolved(httpx.ConnectError):
    """The host has no address. `temporary`: a later attempt may succeed, since the name servers did not answer."""

    def __init__(self, message: str, *, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary


class TlsError(httpx.ConnectError):
    """The TLS handshake failed. `certificate`: the host's certificate is not valid for its name."""

    def __init__(self, message: str, *, certificate: bool) -> None:
        super().__init__(message)
        self.certificate = certificate


class GuardedDialer:
    """Resolves a name once, refuses it if the policy blocks any of its addresses, and dials those addresses.

    Checking and dialling the same addresses defeats DNS rebinding: a name that is public when checked and private when
    dialled. TLS and the Host header still use the name.
    """

    def __init__(self, policy: AddressPolicy, resolve: Resolve, tls: ssl.SSLContext) -> None:
        self._policy = policy
        self._resolve = resolve
        self._tls = tls

    async def dial(self, url: WebUrl, seconds: float | None) -> Connection:
        """A connection to the host of `url`.

        seconds: limit for name resolution and connecting, and again for the TLS handshake.
        Raises BlockedAddress, NameNotResolved, TlsError, httpx.ConnectTimeout or httpx.ConnectError.
        """
        connected = await self._connect(url.host, url.port, seconds)
        loop = asyncio.get_running_loop()
        try:
            if not url.secure:
                return (await loop.create_connection(Connection, sock=connected))[1]
            # TLS begins with the first byte: nothing that arrives before the handshake can be read as plain text.
            with _tls_errors():
                async with asyncio.timeout(seconds):
                    opened = await loop.create_connection(
                        Connection, sock=connected, ssl=self._tls, server_hostname=url.tls_name
                    )
                    return opened[1]
        except BaseException:
            connected.close()
            raise

    async def _connect(self, host: str, port: int, seconds: float | None) -> socket.socket:
        try:
            async with asyncio.timeout(seconds) as limit:
                addresses = await self._resolve_name(host, port)
                for address in addresses:
                    self._policy.check_address(address, port)
                return await _connect_to_first(addresses[:_MAX_DIALLED], port, limit.when())
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None

    async def _resolve_name(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except socket.gaierror as error:
            temporary = error.errno not in _NO_SUCH_HOST
            raise NameNotResolved(error.strerror or "no answer", temporary=temporary) from error
        if not addresses:
            raise NameNotResolved("the name has no address", temporary=False)
        return addresses


async def _connect_to_first(addresses: Sequence[str], port: int, deadline: float | None) -> socket.socket:
    """A connection to the first address that answers. Each address gets an equal share of the remaining time."""
    loop = asyncio.get_running_loop()
    problem = "no address"
    for tried, address in enumerate(addresses):
        share = None if deadline is None else (deadline - loop.time()) / (len(addresses) - tried)
        try:
            async with asyncio.timeout(share):
                return await _connect_to(address, port)
        except TimeoutError:
            problem = "no answer"
        except OSError as error:  # not its text, which contains the address
            problem = os.strerror(error.errno) if error.errno else "no connection"
    if problem == "no answer":
        raise httpx.ConnectTimeout(problem)
    raise httpx.ConnectError(problem)


async def _connect_to(address: str, port: int) -> socket.socket:
    connecting = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, (address, port))
    except BaseException:
        connecting.close()
        raise
    return connecting


@contextmanager
def _tls_errors() -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise TlsError(error.verify_message or str(error), certificate=True) from error
    except ssl.SSLError as error:
        raise TlsError(error.reason or str(error), certificate=False) from error
    except TimeoutError as error:
        raise httpx.ConnectTimeout("the TLS handshake took too long") from error
    except OSError as error:
        raise TlsError("connection lost in the TLS handshake", certificate=False) from error
