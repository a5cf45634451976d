"""Catalogues as they occur in practice are read as intended, or refused for the right reasons."""

from dataclasses import replace
from itertools import islice

import pytest

from services.gateway.catalogue.findings import CatalogueRefused, Finding
from services.gateway.catalogue.reading import CatalogueRow
from tests.catalogues import FIXTURES
from tests.catalogues.fixture import ExpectedFinding, Fixture, Row
from tests.catalogues.reading import inspected, output_urls, rows_of, written

_LARGE = 100_000  # bytes; larger files are not split into small chunks
_USABLE = [fixture for fixture in FIXTURES if not fixture.refused]
_REFUSED = [fixture for fixture in FIXTURES if fixture.refused]


def _name(fixture: Fixture) -> str:
    return fixture.name


def _matches(expected: ExpectedFinding, finding: Finding) -> bool:
    """Whether the finding is the expected one. A line or column is compared only if one is expected."""
    return (
        expected.severity == finding.severity
        and expected.problem in finding.problem
        and expected.line in {None, finding.line}
        and expected.column in {None, finding.column}
    )


def _check_findings(fixture: Fixture, findings: tuple[Finding, ...]) -> None:
    assert len(findings) == len(fixture.findings), findings
    for expected in fixture.findings:
        assert any(_matches(expected, finding) for finding in findings), (expected, findings)
    assert all(finding.problem and finding.advice for finding in findings)


def _as_expected(row: CatalogueRow) -> Row:
    urls = iter(row.urls)
    return Row(row.serial_number, row.product_name, tuple(tuple(islice(urls, count)) for count in row.slots))


def _without_text(findings: tuple[Finding, ...]) -> list[Finding]:
    """The text around broken bytes depends on how much of it has arrived."""
    return [replace(finding, text=None) for finding in findings]


def test_there_are_many_fixtures_with_distinct_names() -> None:
    assert len({fixture.name for fixture in FIXTURES}) == len(FIXTURES) >= 60


@pytest.mark.parametrize("fixture", _USABLE, ids=_name)
def test_a_usable_file_is_read_as_intended(fixture: Fixture) -> None:
    inspection = inspected(fixture.data)
    catalogue_format = inspection.catalogue_format

    assert (catalogue_format.profile, catalogue_format.dialect.delimiter) == (fixture.profile, fixture.delimiter)
    assert (catalogue_format.dialect.encoding, catalogue_format.dialect.bom) == (fixture.encoding, fixture.bom)
    assert tuple(map(_as_expected, rows_of(fixture.data, catalogue_format))) == fixture.rows
    _check_findings(fixture, inspection.findings)
    urls = [url for row in fixture.rows for column in row.columns for url in column]
    assert (inspection.rows, inspection.slots, inspection.images) == (
        len(fixture.rows),
        len(urls),
        len(set(urls)),
    )
    assert inspection.refused_slots == sum(finding.severity == "slot_error" for finding in fixture.findings)


@pytest.mark.parametrize("fixture", _REFUSED, ids=_name)
def test_an_unusable_file_is_refused_for_the_right_reasons(fixture: Fixture) -> None:
    with pytest.raises(CatalogueRefused) as refused:
        inspected(fixture.data)

    _check_findings(fixture, refused.value.findings)


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("fixture", [fixture for fixture in FIXTURES if len(fixture.data) < _LARGE], ids=_name)
def test_the_size_of_the_chunks_does_not_matter(fixture: Fixture, size: int) -> None:
    if fixture.refused:
        with pytest.raises(CatalogueRefused) as whole:
            inspected(fixture.data)
        with pytest.raises(CatalogueRefused) as pieces:
            inspected(fixture.data, size=size)
        assert _without_text(pieces.value.findings) == _without_text(whole.value.findings)
    else:
        inspection = inspected(fixture.data)
        assert inspected(fixture.data, size=size) == inspection
        assert rows_of(fixture.data, inspection.catalogue_format, size) == rows_of(
            fixture.data, inspection.catalogue_format
        )


@pytest.mark.parametrize("fixture", _USABLE, ids=_name)
def test_an_output_can_be_uploaded_again(fixture: Fixture) -> None:
    """A generic file then has its input URLs, a platform's file the output URLs."""
    catalogue_format = inspected(fixture.data).catalogue_format
    rows = rows_of(fixture.data, catalogue_format)

    output = written(catalogue_format, rows)
    again = inspected(output)
    read = rows_of(output, again.catalogue_format)

    assert (again.catalogue_format.profile, again.catalogue_format.dialect.delimiter) == (
        catalogue_format.profile,
        catalogue_format.dialect.delimiter,
    )
    assert [(row.serial_number, row.slots) for row in read] == [(row.serial_number, row.slots) for row in rows]
    if catalogue_format.in_place:
        assert [list(row.urls) for row in read] == [output_urls(row) for row in rows]
    else:
        assert [row.urls for row in read] == [row.urls for row in rows]
