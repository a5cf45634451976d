"""The files of a corpus: each content once, and as many of one sub-folder as of another."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

CATALOGUES = {".csv", ".tsv"}
MOST_BYTES = 25_000_000  # about half of what the downloader accepts; larger files would take most of the time


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """name: the path within the corpus."""

    path: Path
    name: str
    sha256: str

    def read(self) -> bytes:
        return self.path.read_bytes()


def files_of(folder: Path, limit: int, skip: int = 0) -> list[CorpusFile]:
    """Up to `limit` files, taken from the sub-folders in turn, after the first `skip` of that order.

    Raises OSError if the folder cannot be read.
    """
    groups: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and 0 < path.stat().st_size <= MOST_BYTES:
            groups.setdefault(path.relative_to(folder).parts[0], []).append(path)
    # Neighbours in a folder are often of one kind, so a part of it is taken from all of it.
    turns = (path for turn in zip_longest(*map(_spread, groups.values())) for path in turn if path)
    chosen: dict[str, CorpusFile] = {}
    for path in turns:
        if len(chosen) == limit + skip:
            break
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        chosen.setdefault(sha256, CorpusFile(path, path.relative_to(folder).as_posix(), sha256))
    return list(chosen.values())[skip:]


def _spread(paths: Sequence[Path]) -> list[Path]:
    """The same paths in an order in which each beginning is spread over all of them, the same on every run."""
    return sorted(paths, key=lambda path: hashlib.sha256(path.name.encode(errors="surrogateescape")).digest())
