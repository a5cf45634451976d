"""Opening the temporary file that is to be stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from shared.errors import DiskUnavailable


@contextmanager
def source_file(path: Path) -> Iterator[BinaryIO]:
    """The file, open. Raises DiskUnavailable if it cannot be opened: that is a fault of ours and not of the store."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise DiskUnavailable(f"temporary files: {error}") from error
    with file:
        yield file


def size_of(path: Path) -> int:
    """Raises DiskUnavailable."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise DiskUnavailable(f"temporary files: {error}") from error
