"""A name for this process that no other process has."""

import os
import secrets
import socket


def process_name() -> str:
    """Host name, process id and a random part: process ids repeat, also between containers."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
