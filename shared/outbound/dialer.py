"""Dials, after the address guard has seen where to."""

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
    """The host has no address. `temporary`: its name servers may know better later."""

    def __init__(self, message: str, *, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary


class GuardedDialer(httpcore.AsyncNetworkBackend):
    """Resolves a name once, refuses it if any of its addresses is refused, and dials what it checked.

    Judging and dialling the same answer is what defeats a name that is public when looked up and private when
    dialled. TLS and the Host header still see the name.
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
        """Connect within `timeout` seconds, look-up included.

        Raises BlockedAddress, NameNotResolved, httpcore.ConnectTimeout or httpcore.ConnectError.
        """
        try:
            async with asyncio.timeout(timeout) as limit:
                addresses = await self._look_up(host, port)
                for address in addresses:
                    self._policy.check_address(address, port)
                return await _dial_first(addresses[:_MAX_DIALLED], port, limit.when())
        except TimeoutError:
            raise httpcore.ConnectTimeout("no connection in time") from None

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except socket.gaierror as error:
            temporary = error.errno not in _NO_SUCH_HOST
            raise NameNotResolved(error.strerror or "no answer", temporary=temporary) from error
        if not addresses:
            raise NameNotResolved("the name has no address", temporary=False)
        return addresses


async def _dial_first(addresses: Sequence[str], port: int, deadline: float | None) -> Connection:
    """The first that answers. Each may take its share of the time left: a silent one leaves some to the rest."""
    loop = asyncio.get_running_loop()
    fault = "no address"
    for tried, address in enumerate(addresses):
        share = None if deadline is None else (deadline - loop.time()) / (len(addresses) - tried)
        try:
            async with asyncio.timeout(share):
                _, connection = await loop.create_connection(Connection, address, port)
        except TimeoutError:
            fault = "no answer"
        except OSError as error:  # not its text: that tells where an internal name leads
            fault = os.strerror(error.errno) if error.errno else "no connection"
        else:
            return connection
    if fault == "no answer":
        raise httpcore.ConnectTimeout(fault)
    raise httpcore.ConnectError(fault)
