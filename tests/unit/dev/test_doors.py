"""A door (`__init__.py` with `__all__`) exports only what modules outside its package import from it."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypeGuard

import pytest

from tests.support.tree import ROOT, module_name

FOLDERS = ("services", "shared", "dev", "benchmarks", "tests")


@cache
def modules() -> Mapping[str, ast.Module]:
    paths = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def exports(module: ast.Module) -> set[str]:
    for statement in module.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return set(ast.literal_eval(statement.value))
    return set()


@cache
def used_elsewhere() -> Mapping[str, set[str]]:
    """The names of each module that others use: `from a.b import name`, or `from a import b` and `b.name`."""
    used: defaultdict[str, set[str]] = defaultdict(set)
    for user, tree in modules().items():
        for module, name in imports(tree):
            if not f"{user}.".startswith(f"{module}."):
                used[module].add(name)
            if (door := f"{module}.{name}") in modules() and not f"{user}.".startswith(f"{door}."):
                used[door] |= {node.attr for node in ast.walk(tree) if is_attribute_of(node, name)}
    return used


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            yield from ((statement.module, alias.name) for alias in statement.names)


def is_attribute_of(node: ast.AST, name: str) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name


@pytest.mark.parametrize("door", [name for name, module in modules().items() if exports(module)])
def test_every_exported_name_is_used_elsewhere(door: str) -> None:
    assert exports(modules()[door]) - used_elsewhere()[door] == set()
