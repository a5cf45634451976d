"""A real file system that can be full: a few megabytes of memory, mounted for a test."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FILLER = ".filler"


class SmallDisk:
    """The file system at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def fill(self, leave: int = 0) -> None:
        """Leave so many free bytes."""
        with (self.root / _FILLER).open("ab", buffering=0) as file:
            for size in (65536, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
            file.truncate(file.tell() - leave)

    def allow_writes(self, *, allowed: bool) -> None:
        """Remount it, for reading only or not."""
        assert _as_root("mount", "-o", f"remount,{'rw' if allowed else 'ro'}", str(self.root))

    def free(self) -> None:
        (self.root / _FILLER).unlink()


@contextmanager
def open_small_disk(root: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mounts it, which needs root or sudo without a password; skips the test where neither can mount."""
    root.mkdir()
    options = f"size={megabytes}m,mode=0700,uid={os.geteuid()},gid={os.getegid()}"
    if not _as_root("mount", "-t", "tmpfs", "-o", options, "imagemill-test", str(root)):
        pytest.skip("this machine allows no mounts, so no file system can be filled")
    try:
        yield SmallDisk(root)
    finally:
        _as_root("umount", "--lazy", str(root))


def _as_root(*command: str) -> bool:
    for prefix in ([], ["sudo", "-n"]):
        try:
            subprocess.run([*prefix, *command], check=True, capture_output=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError):
            continue
        return True
    return False
