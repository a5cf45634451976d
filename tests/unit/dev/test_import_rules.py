"""`.importlinter` covers what it promises: every module that calls itself pure, and every package's door."""

import ast
import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

from tests.support.tree import ROOT, module_name

WITHOUT_DOOR = {
    "services": "has no code of its own",
    "services.aggregator": "other services cannot import it",
    "services.compressor": "other services cannot import it",
    "services.downloader": "other services cannot import it",
    "services.gateway": "other services cannot import it",
    "services.gateway.admin": "a program of its own, which the service does not import",
    "shared": "has no code of its own",
    "shared.contracts": "a vocabulary of data classes: each of its modules is public",
}
_PURE = re.compile(r"\bPure\b")
_IMPURE_CALL = re.compile(r"open|print|input|io\.open|.*\bPath|.*\b(now|utcnow|today)")


def _contracts() -> ConfigParser:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    return contracts


CONTRACTS = _contracts()
LISTED_AS_PURE = set(CONTRACTS["importlinter:contract:pure"]["source_modules"].split())


def _files() -> Iterator[Path]:
    for root in CONTRACTS["importlinter"]["root_packages"].split():
        yield from (ROOT / root).rglob("*.py")


MODULES = {module_name(file): file for file in _files()}
PURE = {
    name
    for name, file in MODULES.items()
    if _PURE.search(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "")
}


def _with_its_packages(module: str) -> set[str]:
    parts = module.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts) + 1)}


def test_every_module_that_calls_itself_pure_is_in_the_contract() -> None:
    assert {module for module in PURE if not _with_its_packages(module) & LISTED_AS_PURE} == set()


def test_every_module_in_the_contract_calls_itself_pure_or_its_package_does() -> None:
    assert {module for module in LISTED_AS_PURE if not _with_its_packages(module) & PURE} == set()


def test_pure_modules_open_no_files_and_read_no_clock() -> None:
    """The contract allows io, pathlib and datetime, because parts of them are pure."""
    calls = [
        f"{module}:{node.lineno}: {ast.unparse(node.func)}"
        for module, file in MODULES.items()
        if _with_its_packages(module) & LISTED_AS_PURE
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _IMPURE_CALL.fullmatch(ast.unparse(node.func))
    ]
    assert calls == []


def test_every_package_has_a_door_or_a_reason_to_have_none() -> None:
    packages = {name for name, file in MODULES.items() if file.name == "__init__.py"}
    doors = {
        pattern.removesuffix(".*")
        for contract in CONTRACTS.values()
        for pattern in contract.get("protected_modules", "").split()
        if pattern.endswith(".*")
    }
    assert packages - doors == set(WITHOUT_DOOR)
