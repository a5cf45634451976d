"""What the commands say to a person."""

from contextlib import suppress


def say(text: str) -> None:
    """Print a line; a terminal that is gone must not keep a stop from being finished."""
    with suppress(OSError):
        print(text, flush=True)
