"""Writes small files that another process may read at any time, or after this one was killed."""

from pathlib import Path

PRIVATE = 0o600


def replace(file: Path, text: str, mode: int = 0o644) -> None:
    """Replace the content of `file` atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode)
    new.write_text(text)
    new.replace(file)
