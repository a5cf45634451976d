"""Starts a service that a test can kill at a fault point: python -m tests.support.faulty gateway.

The test names the point, and the pass at which the process dies, in a file of the stack's home. Without that file the
service runs as usual.
"""

import importlib
import os
import sys
from collections import Counter
from pathlib import Path

from deploy.local.processes import MARKER
from tests.support.fault_points import install

LAUNCHER = ("-m", "tests.support.faulty")
"""What Python runs in place of a service; its name follows."""


def point_file(home: Path) -> Path:
    """Its content is the name of a fault point and the number of the pass, separated by a space."""
    return home / "fault-point"


def arm(home: Path, point: str, at: int = 1) -> None:
    """Let the process die at its pass number `at` through `point`, counted from now."""
    new = point_file(home).with_suffix(".new")
    new.write_text(f"{point} {at}")
    new.replace(point_file(home))


def disarm(home: Path) -> None:
    point_file(home).unlink(missing_ok=True)


class _Armed:
    """Whether the process is to die at a point."""

    def __init__(self, home: Path) -> None:
        self._file = point_file(home)
        self._passes: Counter[str] = Counter()

    def __call__(self, point: str) -> bool:
        try:
            name, _, at = self._file.read_text().partition(" ")
        except FileNotFoundError:
            return False
        if name != point:
            return False
        self._passes[point] += 1
        return self._passes[point] == int(at)


def main(service: str) -> None:
    install(service, _Armed(Path(os.environ[MARKER])))
    importlib.import_module(f"services.{service}.__main__").main()


if __name__ == "__main__":
    main(sys.argv[1])
