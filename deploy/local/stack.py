"""One whole stack: servers, services and the settings that connect them."""

import asyncio
import base64
import os
import secrets
import shlex
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from deploy.local.files import PRIVATE, replace
from deploy.local.ports import Ports
from deploy.local.processes import end_leftovers, signal_all
from deploy.local.servers import SERVER_NAMES, PrivateServers, Servers
from deploy.local.services import Services
from services.gateway.admin.init_store import init_store
from shared.persistence import open_database
from shared.settings import MongoSettings
from shared.storage import open_object_store

LEFTOVER_SECONDS = 15


class LocalStack:
    """A stack with its data, logs and ports under `home`.

    A setting comes from `settings`, else from the caller's environment, else from this class. Ports and the servers'
    URLs are always the stack's own.
    """

    def __init__(
        self,
        home: Path,
        settings: Mapping[str, str] | None = None,
        servers: Servers | None = None,
        gateway_port: int | None = None,
        copies: int = 1,
    ) -> None:
        """`copies`: how many of each service run."""
        self.home = home.resolve()
        self._settings = settings or {}
        self._ports = Ports(self.home / "ports.json")
        if gateway_port is not None:
            self._ports.demand("gateway-0", gateway_port)
        self.servers = servers or PrivateServers(self.home, self._ports)
        self._services: Services | None = None
        self._copies = copies

    @property
    def gateway_url(self) -> str:
        return f"http://localhost:{self._ports['gateway-0']}"

    @property
    def services(self) -> Services:
        """The services. Available after the servers have started."""
        if self._services is None:
            raise RuntimeError("the stack has not been started")
        return self._services

    @property
    def env_file(self) -> Path:
        """A file with the URLs and the webhook secret as shell variables. It exists while the stack runs."""
        return self.home / "stack.env"

    def joint(self) -> dict[str, str]:
        """The settings that the services and other consumers of this stack share."""
        defaults = {
            "OBJECT_STORE_URL": self.servers.object_store_url,
            "PUBLIC_BASE_URL": self.gateway_url,
            "WEBHOOK_SECRET": self._webhook_secret(),
        }
        given = {**os.environ, **self._settings}
        return {
            **{name: given.get(name) or default for name, default in defaults.items()},
            "GATEWAY_PORT": str(self._ports["gateway-0"]),
            "RABBITMQ_URL": self.servers.rabbitmq_url,
            "MONGODB_URL": self.servers.mongodb_url,
        }

    def check(self) -> None:
        """Raise ProcessDied if a process of this stack has ended unexpectedly."""
        services = self._services.processes() if self._services else []
        for process in [*services, *self.servers.processes()]:
            process.check()

    async def start_servers(self) -> None:
        """Start only the servers, and write `env_file`."""
        await self._clear()
        await self.servers.start()
        await self._make_store()
        self._write_env_file()

    async def start(self) -> None:
        """Start everything and wait until it is ready.

        Raises:
            Missing: a server is missing and cannot be installed.
            ProcessDied: a process ended or did not become ready.
            StoreLost: the objects of this home's requests are gone.
            PortTaken: another program listens on the demanded gateway port.
        """
        await self._clear()
        self._ports.free("gateway-0")
        await self.servers.start()
        await self._make_store()
        environment = {"GATEWAY_HOST": "127.0.0.1", **os.environ, **self._settings, **self.joint()}
        self._services = Services(self.home, self._ports, environment, self._copies)
        await self._services.start_all()
        self._write_env_file()

    async def _make_store(self) -> None:
        """Make the object store of a new home. Raises StoreLost if the store of this home is lost."""
        settings = self.joint()
        store = open_object_store(settings["OBJECT_STORE_URL"])
        mongo = MongoSettings(mongodb_url=settings["MONGODB_URL"])
        try:
            async with open_database(mongo, asyncio.Event()) as database:
                await init_store(store, database, accept_loss=False)
        finally:
            await store.close()

    async def stop(self) -> None:
        """Stop the services, then the servers. No process remains."""
        if self._services:
            await self._services.stop_all()
        await self.servers.stop()
        await end_leftovers(self.home, LEFTOVER_SECONDS)
        self.env_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill every process at once."""
        signal_all(self.home, signal.SIGKILL)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _clear(self) -> None:
        """End processes that a killed supervisor left (they may hold our ports), and move earlier logs away."""
        # Services first: they return their messages while the broker still runs.
        await end_leftovers(self.home, LEFTOVER_SECONDS, but=SERVER_NAMES)
        await end_leftovers(self.home, LEFTOVER_SECONDS)
        for log in self.home.glob("logs/*.log"):
            log.replace(log.with_suffix(".log.1"))

    def _write_env_file(self) -> None:
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in self.joint().items()]
        replace(self.env_file, "".join(lines), PRIVATE)

    def _webhook_secret(self) -> str:
        file = self.home / "webhook_secret"
        if not file.exists():
            replace(file, new_webhook_secret() + "\n", PRIVATE)
        return file.read_text().strip()


def new_webhook_secret() -> str:
    """A new signing secret in the format of the Standard Webhooks specification."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
