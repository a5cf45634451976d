"""Atomic file writes beside the removal of abandoned files."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.storage.atomic_file import AtomicWriter, remove_abandoned

WRITES = 500


@contextmanager
def other_processes_starting(root: Path) -> Iterator[None]:
    """Every process that starts removes abandoned files."""
    end = threading.Event()

    def start_again_and_again() -> None:
        while not end.is_set():
            remove_abandoned(root, before=0)

    threads = [threading.Thread(target=start_again_and_again) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def fast_switches() -> Iterator[None]:
    """Threads take turns often, so that a race of a few microseconds happens."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("fast_switches")
def test_a_file_being_written_is_never_removed_as_abandoned(tmp_path: Path) -> None:
    (tmp_path / ".staging").mkdir()
    writer = AtomicWriter(tmp_path)
    with other_processes_starting(tmp_path):
        for number in range(WRITES):
            writer.write(tmp_path / str(number), lambda file: file.write(b"x"), durable=False)
    assert len(list(tmp_path.glob("[0-9]*"))) == WRITES
