"""What the commands say to a person."""

import os
import sys


def say(text: str) -> None:
    """Print a line; a terminal that is gone must not keep a stop from being finished."""
    try:
        print(text, flush=True)
    except OSError:
        # Nor may what could not be written trouble the interpreter's exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
