"""A package that cannot be downloaded is left out, and the others are collected."""

from pathlib import Path

import pytest

from tests.corpus import collect


@pytest.mark.parametrize("package", ["npm:exif-parser", "deb:pillow"])
def test_a_machine_without_the_registrys_client_leaves_its_packages_out(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    collect.main(tmp_path / "corpus", [package])

    assert capsys.readouterr().out.startswith(f"{package}: left out: ")
