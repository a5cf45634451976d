"""Where a directory store keeps the object of a key.

`results/r1/chair-0af3.jpg` is the file `results/r1/@e/chair-0af3.jpg`: the name's hash picks one of 16 folders, so a
request's million objects lie 62,500 to a folder, and a small request makes few of them. No key contains "@", so none
can collide with such a folder.
"""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

STAGING = ".staging"
"""Files being written. No key begins with "."; the folder also marks a store: an unmounted disc has none."""

_SHARD_MARK = "@"


def path_of(root: Path, key: str) -> Path:
    folders, _, name = key.rpartition("/")
    return root / folders / f"{_SHARD_MARK}{zlib.crc32(name.encode()) & 0xF:x}" / name


def keys_under(root: Path, prefix: str) -> Iterator[str]:
    """The keys in the store that start with `prefix`, in the file system's order, read as they are asked for."""
    parent, slash, start = prefix.rpartition("/")
    yield from _walk(root / parent, parent + slash, start)


def _walk(folder: Path, key_prefix: str, start: str) -> Iterator[str]:
    for name in _names(folder):
        if name.startswith(_SHARD_MARK):
            yield from (key_prefix + file for file in _names(folder / name) if file.startswith(start))
        elif name.startswith(start) and name != STAGING:
            yield from _walk(folder / name, f"{key_prefix}{name}/", "")


def _names(folder: Path) -> list[str]:
    """A folder's entries, all at once so that none stays open between batches; none if there is no such folder."""
    try:
        return [entry.name for entry in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):  # pruned meanwhile, or a file that is not ours
        return []


def make_folders(root: Path, folder: Path) -> None:
    """Make the folder and those between it and the root; not the root, for if that has gone, so has the store.

    FileNotFoundError means that one was pruned by another process before the next was made in it.
    """
    current = root
    for part in folder.relative_to(root).parts:
        current /= part
        with suppress(FileExistsError):
            current.mkdir()


def prune(root: Path, folder: Path) -> None:
    """Remove the folder and those above it that have become empty, as far as that goes."""
    with suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent
