"""The URLs of the stack that `make run` has started here."""

import shlex
import sys

from deploy.local.run import HOME


def stack_env() -> dict[str, str]:
    """The settings in the stack's file. Exits with a message if no stack is running."""
    file = HOME / "stack.env"
    if not file.exists():
        sys.exit(f"No stack is running here ({file} does not exist). Start one with `make run`.")
    return dict(shlex.split(line)[0].partition("=")[::2] for line in file.read_text().splitlines())
