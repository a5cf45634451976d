"""Resolves names and dials the addresses that the URL policy allows."""

import asyncio
import os
import socket
from collections.abc import Iterable, Sequence

import httpcore
import httpx

from shared.outbound.connection import Connection
from shared.outbound.resolver import Resolve
from shared.url_policy import AddressPolicy

_MAX_DIALLED = 8
_NO_SUCH_HOST = {socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY}


class NameNotResolved(httpx.ConnectError):
    """The host has no address. `temporary`: a later attempt may succeed, since the name servers did not answer."""

    def __init__(self, message: str, *, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary


class GuardedDialer(httpcore.AsyncNetworkBackend):
    """Resolves a name once, refuses it if the policy blocks any of its addresses, and dials those addresses.

    Checking and dialling the same addresses defeats DNS rebinding: a name that is public when checked and private when
    dialled. TLS and the Host header still use the name.
    """

    def __init__(self, policy: AddressPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Connect within `timeout` seconds, name resolution included.

        Raises BlockedAddress, NameNotResolved, httpcore.ConnectTimeout or httpcore.ConnectError.
        """
        try:
            async with asyncio.timeout(timeout) as limit:
                addresses = await self._resolve_name(host, port)
                for address in addresses:
                    self._policy.check_address(address, port)
                return await _dial_first(addresses[:_MAX_DIALLED], port, limit.when())
        except TimeoutError:
            raise httpcore.ConnectTimeout("no connection in time") from None

    async def _resolve_name(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except socket.gaierror as error:
            temporary = error.errno not in _NO_SUCH_HOST
            raise NameNotResolved(error.strerror or "no answer", temporary=temporary) from error
        if not addresses:
            raise NameNotResolved("the name has no address", temporary=False)
        return addresses


async def _dial_first(addresses: Sequence[str], port: int, deadline: float | None) -> Connection:
    """A connection to the first address that answers. Each address gets an equal share of the remaining time."""
    loop = asyncio.get_running_loop()
    problem = "no address"
    for tried, address in enumerate(addresses):
        share = None if deadline is None else (deadline - loop.time()) / (len(addresses) - tried)
        try:
            async with asyncio.timeout(share):
                _, connection = await loop.create_connection(Connection, address, port)
        except TimeoutError:
            problem = "no answer"
        except OSError as error:  # not its text, which contains the address
            problem = os.strerror(error.errno) if error.errno else "no connection"
        else:
            return connection
    if problem == "no answer":
        raise httpcore.ConnectTimeout(problem)
    raise httpcore.ConnectError(problem)
