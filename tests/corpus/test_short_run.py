"""A short run over a few pictures, and one over a catalogue: each ends with a report."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.tree import ROOT
from tests.zoo import specimen

KINDS = ("jpeg orientation 6", "png grey and alpha 8 bit", "gif animated three times", "tiff CMYK with a profile")
_LIMIT_SECONDS = 180


def run(folder: Path, out: Path) -> str:
    command = [sys.executable, "-m", "tests.corpus", str(folder), "--out", str(out), "--minutes", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_pictures_are_judged(tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "report"
    folder.mkdir()
    for number, kind in enumerate(KINDS):
        (folder / f"{number} {kind}, 100%.bin").write_bytes(specimen(kind).data)
    (folder / "page.jpg").write_bytes(b"<html>no picture</html>")

    text = run(folder, out)

    assert f"{len(KINDS) + 1} of {len(KINDS) + 1} files judged" in text
    assert "No faults." in text
    results = json.loads((out / "summary.json").read_text())["results"]
    assert {each["format"] for each in results} == {"jpeg", "png", "gif", "tiff", ""}
    assert "not_an_image: 1 files, 0 of them shown" in (out / "index.html").read_text()


def test_catalogues_are_judged(tmp_path: Path) -> None:
    folder, out = tmp_path / "catalogues", tmp_path / "report"
    folder.mkdir()
    header = "S. No.;Product Name;Input Image Urls\r\n"
    (folder / "good.csv").write_text(f"{header}1;Stuhl;https://shop.example/a.jpg\r\n", encoding="utf-16")
    (folder / "bad.csv").write_text("image\r\nhttps://shop.example/a.jpg\r\n")

    text = run(folder, out)

    assert "2 of 2 catalogues judged, 1 taken, 1 refused" in text
    assert "bad.csv: refused with 1 URLs of images" in text
    assert "good.csv:" not in text


def test_a_folder_that_is_no_report_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear reader")
    command = [sys.executable, "-m", "tests.corpus", str(tmp_path), "--out", str(tmp_path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False)

    assert done.returncode == 2
    assert (tmp_path / "letter.txt").exists()
