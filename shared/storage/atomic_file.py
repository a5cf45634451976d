"""Writing a file so that it appears whole or not at all."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shared.storage.folders import STAGING, make_folders

Write = Callable[[BinaryIO], object]

_PRUNE_RACES = 100  # how often in a row another process may remove a folder just before it is filled
_REMEMBERED = 10_000


class AtomicWriter:
    """Writes files below `root`, of which each appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lasting: set[Path] = set()

    def write(self, target: Path, write: Write, *, durable: bool) -> None:
        """Let `write` fill a new file in the root's staging folder and rename it to `target`, making its folders."""
        folder = target.parent
        with staged_file(self._root, write, durable=durable) as staged:
            if _rename(self._root, staged, target):
                self._lasting.discard(folder)
        if durable and folder in self._lasting:
            _sync(folder)
        elif durable:
            _sync_folders(self._root, folder)
            self._remember(folder)

    def _remember(self, folder: Path) -> None:
        """The folders above this one are on disk for good: writing them again for each file costs more than the file.

        Whoever finds a folder gone makes it anew, and then syncs what is above it again.
        """
        if len(self._lasting) >= _REMEMBERED:
            self._lasting.clear()
        self._lasting.add(folder)


@contextmanager
def staged_file(root: Path, write: Write, *, durable: bool) -> Iterator[Path]:
    """A new file with what `write` wrote; removed if the body fails."""
    staged = root / STAGING / secrets.token_hex(16)
    try:
        with staged.open("xb") as file:
            write(file)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        yield staged
    except BaseException:
        with suppress(OSError):
            staged.unlink()
        raise


def remove_abandoned(root: Path, before: float) -> None:
    """Remove staged files last written to before that time, in seconds since 1970: their writers were killed."""
    for staged in (root / STAGING).iterdir():
        with suppress(FileNotFoundError):
            if staged.stat().st_mtime < before:
                staged.unlink()


def _rename(root: Path, staged: Path, target: Path) -> bool:
    """Whether folders had to be made."""
    made = False
    for _ in range(_PRUNE_RACES):
        try:
            staged.replace(target)
        except FileNotFoundError:  # no folder yet, or a delete found it empty a moment ago and pruned it
            made = True
            with suppress(FileNotFoundError):
                make_folders(root, target.parent)
        else:
            return made
    staged.replace(target)
    return made


def _sync_folders(root: Path, folder: Path) -> None:
    """Make the rename last. The folders above are included, since they may be as new, made by whichever process."""
    while True:
        _sync(folder)
        if folder == root:
            return
        folder = folder.parent


def _sync(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:  # the object has been deleted already, and the folder pruned
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
