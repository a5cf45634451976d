"""Three mongod as one replica set, whose primary can step down or die."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.local.mongod import find_mongod
from deploy.local.ports import Ports
from deploy.local.processes import Process, spawn
from deploy.local.waiting import together, wait_until

NAME = "imagemill"
MEMBERS = 3
PORT_NAMES = tuple(f"mongodb-{number}" for number in range(MEMBERS))
_START_SECONDS = 60
_STOP_SECONDS = 30
_STEP_DOWN_SECONDS = 10


class ReplicaSet:
    """Used like deploy.local.mongod.Mongod."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self._home = home
        self._ports = ports
        self._members: dict[str, Process] = {}

    @property
    def url(self) -> str:
        return f"mongodb://{','.join(map(self._address, PORT_NAMES))}/imagemill?replicaSet={NAME}"

    def processes(self) -> list[Process]:
        return list(self._members.values())

    async def start(self) -> None:
        """Start the members that do not run, and wait for a primary. Raises ProcessDied."""
        for name in PORT_NAMES:
            if name not in self._members or not self._members[name].alive:
                self._members[name] = self._spawn(name)
        first = self._members[PORT_NAMES[0]]
        await first.ready(self._has_primary, _START_SECONDS)

    async def stop(self) -> None:
        members = list(self._members.values())
        self._members.clear()
        await together(*(member.stop(_STOP_SECONDS) for member in members))

    async def step_down(self) -> None:
        """Make the primary step down."""
        await asyncio.to_thread(self._command, {"replSetStepDown": _STEP_DOWN_SECONDS, "force": True})

    async def kill_primary(self) -> None:
        """SIGKILL the primary; `start` starts it again."""
        name = await asyncio.to_thread(self._primary)
        if name is not None:
            self._members[name].signal(signal.SIGKILL)
            await wait_until(lambda: not self._members[name].alive, _STOP_SECONDS)

    def _spawn(self, name: str) -> Process:
        data = self._home / name
        data.mkdir(parents=True, exist_ok=True)
        listen = ["--bind_ip", "127.0.0.1", "--port", str(self._ports[name]), "--nounixsocket"]
        small = ["--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "256", "--quiet"]
        parameters = ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        command: list[str | Path] = [find_mongod(), "--dbpath", data, "--replSet", NAME, *listen, *small, *parameters]
        return spawn(name, command, os.environ, self._home, data)

    def _address(self, name: str) -> str:
        return f"127.0.0.1:{self._ports[name]}"

    def _has_primary(self) -> bool:
        if self._primary() is not None:
            return True
        members = [{"_id": number, "host": self._address(name)} for number, name in enumerate(PORT_NAMES)]
        first = f"mongodb://{self._address(PORT_NAMES[0])}/?directConnection=true"
        try:
            with MongoClient[dict[str, Any]](first, serverSelectionTimeoutMS=1_000) as client:
                # Elections after two seconds instead of ten: a run is short.
                settings = {"electionTimeoutMillis": 2_000}
                client.admin.command("replSetInitiate", {"_id": NAME, "members": members, "settings": settings})
        except PyMongoError:  # not up yet, or initiated before
            return False
        return False

    def _primary(self) -> str | None:
        try:
            with MongoClient[dict[str, Any]](self.url, serverSelectionTimeoutMS=1_000) as client:
                port = int(client.admin.command("hello")["primary"].rpartition(":")[2])
        except (PyMongoError, KeyError):
            return None
        return next((name for name in PORT_NAMES if self._ports[name] == port), None)

    def _command(self, command: dict[str, Any]) -> None:
        with MongoClient[dict[str, Any]](self.url, serverSelectionTimeoutMS=5_000) as client:
            client.admin.command(command)
