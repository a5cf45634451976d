"""Small files that another process may read at any moment, or find after we were killed."""

from pathlib import Path

PRIVATE = 0o600


def replace(file: Path, text: str, mode: int = 0o644) -> None:
    """Give `file` a new content, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode)
    new.write_text(text)
    new.replace(file)
