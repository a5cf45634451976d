"""Where the project's own files are, and what its modules are called, for tests that read them."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def module_name(file: Path) -> str:
    """The name under which a Python file of the project is imported."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
