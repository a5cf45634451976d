"""Prints messages for the person at the terminal."""

import os
import sys


def say(text: str) -> None:
    """Print a line. A closed terminal is ignored, so that it cannot interrupt a stop."""
    try:
        print(text, flush=True)
    except OSError:
        # The interpreter would report the unwritten text at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
