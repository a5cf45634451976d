"""2,000 mutated catalogues, the same in each run; `make fuzz` checks 100,000, with new ones each time."""

from pathlib import Path

import pytest

from tests.catalogues.fuzz import check, fuzz
from tests.catalogues.mutants import mutant

_FILES = 2_000


def test_every_mutated_file_is_accepted_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failures = fuzz(0, _FILES, 300, tmp_path)

    output = capsys.readouterr().out
    assert failures == 0, output
    assert f"{_FILES:,} files from seed 0" in output


def test_some_files_are_accepted_and_some_are_refused() -> None:
    assert {check(mutant(seed)) for seed in range(100)} == {True, False}


def test_a_seed_always_gives_the_same_file() -> None:
    assert mutant(77) == mutant(77) != mutant(78)


def test_a_failure_is_printed_and_its_file_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: bytes) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr("tests.catalogues.fuzz.check", broken)

    assert fuzz(5, 1, 60, tmp_path / "failed") == 1
    path = tmp_path / "failed" / "5.csv"
    assert path.read_bytes() == mutant(5)
    assert f"seed 5 failed; its file is {path}" in capsys.readouterr().out
