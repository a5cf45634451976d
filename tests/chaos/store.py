"""The directory that is the object store, and what can happen to it."""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_FULL_DISK_BYTES = 768 * 1024 * 1024


class ChaosStore:
    """The store at `home`/disk/objects. If this machine allows it, `home`/disk is a small file system of its own."""

    def __init__(self, home: Path) -> None:
        self._disk = home / "disk"
        self.root = self._disk / "objects"
        self._away = self._disk / "objects.away"
        self._filler = self._disk / "filler"
        self.has_own_disk = False
        self.made_anew = 0

    @property
    def url(self) -> str:
        return self.root.as_uri()

    def open(self) -> None:
        self._disk.mkdir(parents=True, exist_ok=True)
        mount: list[str | Path] = ["mount", "-t", "tmpfs", "-o", f"size={_FULL_DISK_BYTES}", "tmpfs", self._disk]
        try:
            self.has_own_disk = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        except OSError:
            self.has_own_disk = False

    def close(self) -> None:
        if self.has_own_disk:
            subprocess.run(["umount", "--lazy", self._disk], capture_output=True, check=False)

    def take_away(self) -> None:
        with suppress(FileNotFoundError):
            self.root.rename(self._away)

    def bring_back(self) -> None:
        if not self._away.exists():
            return
        if self.root.exists():  # a service has made a new store where the old one was
            self.made_anew += 1
            self.root.rename(self._disk / f"objects.new-{self.made_anew}")
        self._away.rename(self.root)

    def fill(self) -> None:
        """Take all space that is left."""
        with self._filler.open("wb") as file:
            space = os.statvfs(self._disk)
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize)

    def empty(self) -> None:
        self._filler.unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[str]:
        for path in (self.root / prefix).rglob("*"):
            if path.is_file():
                yield path.relative_to(self.root).as_posix()

    def remove_some(self, prefix: str, share: float, dice: random.Random) -> int:
        """Remove a share of the objects. Returns how many."""
        chosen = [key for key in sorted(self.keys(prefix)) if dice.random() < share]
        for key in chosen:
            (self.root / key).unlink(missing_ok=True)
        return len(chosen)
