"""A byte order mark is written where the upload has one, or always, but only in encodings that have one."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.aggregator.outputs.csv_rules import CsvRules
from services.aggregator.outputs.open_files import OpenFiles
from tests.support.aggregating import BASE_URL, a_failed_image, a_product
from tests.support.builders import a_catalogue_format

MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def beginnings(folder: Path, encoding: str, rules: CsvRules, *, bom: bool) -> dict[str, bytes]:
    """The first bytes of each file: three, or two in UTF-16."""
    plain = a_catalogue_format()
    catalogue_format = replace(plain, dialect=replace(plain.dialect, encoding=encoding, bom=bom))
    with OpenFiles(folder, catalogue_format, BASE_URL, rules) as files:
        files.write([(a_product(1, "http://i/1.jpg"), [a_failed_image("http://i/1.jpg")])])
    size = len(MARKS.get(encoding, b"xxx"))
    paths = {"output": files.output, "failed": files.failed, "report": files.report}
    return {name: path.read_bytes()[: 3 if name == "report" else size] for name, path in paths.items()}


@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize(("bom", "rules"), [(True, CsvRules()), (False, CsvRules(always_bom=True))])
def test_every_file_has_a_mark_if_the_upload_has_one_or_always(
    tmp_path: Path, encoding: str, bom: bool, rules: CsvRules
) -> None:
    mark = MARKS[encoding]
    assert beginnings(tmp_path, encoding, rules, bom=bom) == {"output": mark, "failed": mark, "report": MARKS["utf-8"]}


def test_no_file_has_a_mark_if_the_upload_has_none(tmp_path: Path) -> None:
    found = beginnings(tmp_path, "utf-8", CsvRules(), bom=False)
    assert not any(beginning.startswith(MARKS["utf-8"]) for beginning in found.values())


def test_other_encodings_have_no_mark(tmp_path: Path) -> None:
    found = beginnings(tmp_path, "cp1251", CsvRules(always_bom=True), bom=False)
    assert (found["output"][:1], found["failed"][:1], found["report"]) == (b"S", b"S", MARKS["utf-8"])
