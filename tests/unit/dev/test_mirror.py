"""The folders of `tests/unit` mirror the source: the tests of a module are found by its path."""

from pathlib import Path

import pytest

from tests.support.tree import ROOT

UNIT = ROOT / "tests" / "unit"
WITHOUT_SOURCE = {
    "dev/test_doors.py": "reads every package of the source",
    "dev/test_import_rules.py": "reads .importlinter and every module of the source",
    "dev/test_limits_in_documents.py": "reads every page of the documentation",
    "dev/test_mirror.py": "reads the tree of tests",
    "dev/test_references.py": "reads every page of the documentation",
}


def names_in(folder: Path) -> set[str]:
    """The modules, packages and other files of a folder, written as module names."""
    return {path.stem.replace("-", "_") for path in folder.glob("*")}


def has_source(test: Path) -> bool:
    """Whether folder/test_x.py is about folder/x, or folder/x/test_anything.py is about the module folder/x.py."""
    folders = [root / test.parent for root in (ROOT, ROOT / "services")]
    named = any(test.stem.removeprefix("test_") in names_in(folder) for folder in folders)
    return named or any(folder.with_suffix(".py").is_file() for folder in folders)


TESTS = {path.relative_to(UNIT).as_posix(): path.relative_to(UNIT) for path in UNIT.rglob("test_*.py")}


def test_the_exceptions_exist() -> None:
    assert WITHOUT_SOURCE.keys() <= TESTS.keys()


@pytest.mark.parametrize("name", sorted(TESTS.keys() - WITHOUT_SOURCE.keys()))
def test_every_test_file_has_its_source_in_the_mirrored_folder(name: str) -> None:
    assert has_source(TESTS[name])
