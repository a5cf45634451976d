"""The layout of a directory store: which file holds the object of a key.

`results/r1/chair-0af3.jpg` is the file `results/r1/@e/chair-0af3.jpg`: a hash of the name selects one of 16 folders. A
million objects of one request are 62,500 per folder, and a small request creates few folders. No key contains "@", so
no key collides with such a folder.
"""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

STAGING = ".staging"
"""The folder of files being written. No key begins with "."."""

MARK = ".imagemill-store"
"""The file that marks a store. Where a disk is not mounted, there is none."""

_SHARD_MARK = "@"


def path_of(root: Path, key: str) -> Path:
    folders, _, name = key.rpartition("/")
    return root / folders / f"{_SHARD_MARK}{zlib.crc32(name.encode()) & 0xF:x}" / name


def keys_under(root: Path, prefix: str) -> Iterator[str]:
    """The keys in the store that start with `prefix`, read lazily, in the file system's order."""
    parent, slash, start = prefix.rpartition("/")
    yield from _walk(root / parent, parent + slash, start)


def _walk(folder: Path, key_prefix: str, start: str) -> Iterator[str]:
    for name in _names(folder):
        if name.startswith(_SHARD_MARK):
            yield from (key_prefix + file for file in _names(folder / name) if file.startswith(start))
        elif name.startswith(start) and not name.startswith("."):
            yield from _walk(folder / name, f"{key_prefix}{name}/", "")


def _names(folder: Path) -> list[str]:
    """A folder's entries, read at once so that it does not stay open between batches; empty if it does not exist."""
    try:
        return [entry.name for entry in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):  # removed meanwhile, or a file that is not part of the store
        return []


def make_folders(root: Path, folder: Path) -> None:
    """Create the folder and those between it and the root, but not the root: without it the store does not exist.

    Raises FileNotFoundError if another process removed one of them before the next was created in it.
    """
    current = root
    for part in folder.relative_to(root).parts:
        current /= part
        with suppress(FileExistsError):
            current.mkdir()


def prune(root: Path, folder: Path) -> None:
    """Remove the folder and those above it, up to the first that is not empty."""
    with suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent
