"""Atomic file writes: a file appears complete or not at all."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shared.file_lock import lock
from shared.storage.folders import STAGING, make_folders

Write = Callable[[BinaryIO], object]

_MAX_PRUNE_RACES = 100  # retries if other processes keep removing a folder just before a file enters it
_MAX_SYNCED_FOLDERS = 10_000


class AtomicWriter:
    """Writes files atomically below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._synced_folders: set[Path] = set()

    def write(self, target: Path, write: Write, *, durable: bool) -> None:
        """Write a new file with `write` in the staging folder and rename it to `target`, creating its folders.

        With `durable`, the file survives a power cut once this returns.
        """
        folder = target.parent
        with staged_file(self._root, write, durable=durable) as staged:
            if _rename(self._root, staged, target):
                self._synced_folders.discard(folder)
        if durable and folder in self._synced_folders:
            _sync(folder)
        elif durable:
            _sync_folders(self._root, folder)
            self._remember(folder)

    def _remember(self, folder: Path) -> None:
        """Note that the folder and those above it are synced: syncing them for every file costs more than the file.

        A writer that has to recreate a folder syncs the folders above it again.
        """
        if len(self._synced_folders) >= _MAX_SYNCED_FOLDERS:
            self._synced_folders.clear()
        self._synced_folders.add(folder)


@contextmanager
def staged_file(root: Path, write: Write, *, durable: bool) -> Iterator[Path]:
    """A new file that `write` has written. It is removed if the body of the context fails."""
    staged, file = _create(root / STAGING)
    try:
        with file:  # its lock marks it as in use until it has its final name
            write(file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
            yield staged
    except BaseException:
        with suppress(OSError):
            staged.unlink()
        raise


def _create(folder: Path) -> tuple[Path, BinaryIO]:
    """A new, locked file."""
    while True:
        path = folder / secrets.token_hex(16)
        file = path.open("xb")
        with suppress(OSError):  # this file system has no locks
            if not lock(file.fileno(), path):  # another process considered the file abandoned
                file.close()
                continue
        return path, file


def remove_abandoned(root: Path, before: float) -> None:
    """Remove the staged files of killed writers: without a lock, or last modified before that Unix time."""
    for staged in (root / STAGING).iterdir():
        with suppress(FileNotFoundError), staged.open("r+b") as file:
            if _is_abandoned(file, staged, before):
                staged.unlink()  # while it is locked: a writer that has just created it must not lock it now


def _is_abandoned(file: BinaryIO, staged: Path, before: float) -> bool:
    try:
        return lock(file.fileno(), staged)
    except OSError:  # this file system has no locks
        return os.fstat(file.fileno()).st_mtime < before


def _rename(root: Path, staged: Path, target: Path) -> bool:
    """Rename, creating missing folders; return whether any was created."""
    created = False
    for _ in range(_MAX_PRUNE_RACES):
        try:
            staged.replace(target)
        except FileNotFoundError:  # no folder yet, or a concurrent delete removed it when it was empty
            created = True
            with suppress(FileNotFoundError):
                make_folders(root, target.parent)
        else:
            return created
    staged.replace(target)
    return created


def _sync_folders(root: Path, folder: Path) -> None:
    """Make the rename durable. The folders above may be new too, created by this or another process."""
    while True:
        _sync(folder)
        if folder == root:
            return
        folder = folder.parent


def _sync(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:  # the object was deleted meanwhile, and its folder removed
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
