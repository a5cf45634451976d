"""A lock on a file, which the kernel releases when its holder ends."""

import fcntl
import os
from pathlib import Path


def lock(descriptor: int, path: Path) -> bool:
    """Lock the open file, without waiting, until it is closed.

    False if another process holds it, or if the file is no longer at `path`: whoever locks a file may remove it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
