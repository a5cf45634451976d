"""Each service's lock contains every package that its modules import."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.tree import ROOT


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(module: str) -> Iterator[Path]:
    """The project's modules that importing `module` runs: its packages and itself."""
    path = ROOT
    for part in module.split("."):
        path /= part
        yield from (file for file in (path / "__init__.py", path.with_suffix(".py")) if file.exists())


def _foreign_modules(service: str) -> set[str]:
    """The third-party packages that the service imports, directly or through shared modules."""
    todo = set((ROOT / "services" / service).glob("**/*.py"))
    seen: set[Path] = set()
    foreign: set[str] = set()
    while todo:
        file = todo.pop()
        seen.add(file)
        for name in _imports(file):
            if name.split(".")[0] in {"services", "shared"}:
                todo |= set(_files(name)) - seen
            else:
                foreign.add(name.split(".")[0])
    return foreign - set(sys.stdlib_module_names)


def _locked(service: str) -> set[str]:
    lines = (ROOT / "requirements" / f"{service}.txt").read_text().splitlines()
    return {_normal(line.split("==")[0]) for line in lines if "==" in line}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("service", ["gateway", "downloader", "compressor", "aggregator"])
def test_the_lock_contains_every_imported_package(service: str) -> None:
    distributions = packages_distributions()
    locked = _locked(service)
    missing = {
        module
        for module in _foreign_modules(service)
        if not {_normal(name) for name in distributions.get(module, [])} & locked
    }
    assert missing == set()
