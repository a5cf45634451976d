"""The process's own directory of temporary files, and the dependency "disk": the file system that holds it.

A killed process cannot remove its files. So each process holds a lock in its directory, and every start removes the
directories whose lock is free. That also works between containers that share a volume, where process ids mean nothing.
"""

import asyncio
import errno
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import structlog

from shared.errors import DiskUnavailable, StoppedWhileStarting
from shared.file_lock import lock
from shared.observability import Health

_DEFAULT_ROOT = "/tmp"  # noqa: S108 (each process creates a private directory in it)
_NAME = re.compile(r"imagemill-[a-z]+-\d+-\w{8}")
_LOCK = ".lock"
_PING_BYTES = 1 << 20
_WAIT_SECONDS = 1.0

# Faults of the file system or of the process's limits. Any other OSError is a bug.
_FAULTS = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE,
    errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE,
})  # fmt: skip

log = structlog.get_logger(__name__)


@contextmanager
def disk_faults() -> Iterator[None]:
    """Raise DiskUnavailable if temporary files cannot be written or read.

    It must enclose the context of the file: a full disk can fail the close too.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FAULTS:
            raise
        raise DiskUnavailable(f"temporary files: {error}") from error


class Workspace:
    """A directory in `root` that `tempfile` and child processes use too. Removed by `close`."""

    def __init__(self, root: Path, service: str) -> None:
        self._root = root
        self._service = service
        self._folder: Path | None = None
        self._lock = -1

    async def ping(self) -> None:
        """Raise DiskUnavailable unless a megabyte can be written; create the directory if it is missing."""
        await asyncio.to_thread(self._ping)

    async def open(self) -> None:
        """Create the directory, after removing those of dead processes. Raises DiskUnavailable."""
        await asyncio.to_thread(self._open)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _ping(self) -> None:
        with disk_faults():
            if self._folder is None or not self._folder.is_dir():
                self._close()
                self._open()
            with tempfile.TemporaryFile(dir=self._folder) as file:
                file.write(bytes(_PING_BYTES))
                file.flush()
                os.fsync(file.fileno())

    def _open(self) -> None:
        with disk_faults():
            _remove_dead(self._root)
            self._folder, self._lock = _create(self._root, self._service)
        tempfile.tempdir = os.environ["TMPDIR"] = str(self._folder)

    def _close(self) -> None:
        if self._folder is None:
            return
        with suppress(OSError):
            _remove(self._folder)
        os.close(self._lock)
        self._folder = None
        tempfile.tempdir = os.environ["TMPDIR"] = str(self._root)


@asynccontextmanager
async def open_workspace(service: str, health: Health, stop: asyncio.Event) -> AsyncIterator[Workspace]:
    """A directory in TMPDIR, or in /tmp. Waits, unready, until it can be created; a gate reports ready later.

    Raises StoppedWhileStarting if `stop` is set first.
    """
    # Not tempfile.gettempdir(): it takes another directory without notice if this one is missing or full.
    workspace = Workspace(Path(os.environ.get("TMPDIR") or _DEFAULT_ROOT), service)
    try:
        await _until_open(workspace, health, stop)
        yield workspace
    finally:
        await workspace.close()


async def _until_open(workspace: Workspace, health: Health, stop: asyncio.Event) -> None:
    with health.loop("opening the directory of temporary files") as beat:
        while not stop.is_set():
            beat()
            try:
                await workspace.open()
            except DiskUnavailable as fault:
                log.warning("disk_unavailable", error=str(fault))
                health.set_ready(fault.dependency, False, str(fault))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _WAIT_SECONDS)
            else:
                return
    raise StoppedWhileStarting("the disk for temporary files")


def _create(root: Path, service: str) -> tuple[Path, int]:
    """A new directory and the descriptor of its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"imagemill-{service}-{os.getpid()}-", dir=root))
        path = folder / _LOCK
        with suppress(FileNotFoundError):  # another process removed it as a dead one's before it was locked
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            if lock(descriptor, path):
                return folder, descriptor
            os.close(descriptor)


def _remove_dead(root: Path) -> None:
    for folder in root.iterdir():
        if _NAME.fullmatch(folder.name):
            with suppress(OSError):  # it is another user's, or another process removes it too
                _remove_if_dead(folder)


def _remove_if_dead(folder: Path) -> None:
    path = folder / _LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        folder.rmdir()  # killed before it made its lock, or while it removed its directory
        return
    try:
        if lock(descriptor, path):
            _remove(folder)
            log.info("dead_workspace_removed", folder=str(folder))
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove the lock last, so that the directory never looks like one that another process is creating."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _LOCK:
            entry.unlink()
    (folder / _LOCK).unlink()
    folder.rmdir()
