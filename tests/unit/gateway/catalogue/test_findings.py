"""Findings stay short, whatever the file contains."""

from services.gateway.catalogue.findings import CatalogueRefused, Finding, Findings, shorten
from services.gateway.catalogue.inspection import inspect_catalogue
from services.gateway.catalogue.limits import CatalogueLimits
from shared.url_policy import AddressPolicy

LONG = "x" * 300_000


def _characters(finding: Finding) -> int:
    return sum(len(text or "") for text in (finding.problem, finding.advice, finding.column, finding.text))


def test_all_texts_of_a_finding_are_shortened() -> None:
    findings = Findings()
    findings.add(Finding(LONG, LONG, 1, 1, LONG, LONG))
    [kept] = findings.listed
    assert _characters(kept) <= 2300
    assert kept.column == shorten(LONG)
    [refused] = CatalogueRefused((Finding(LONG, LONG, column=LONG, text=LONG),)).findings
    assert _characters(refused) <= 2300


def test_a_short_finding_is_unchanged() -> None:
    findings = Findings()
    findings.add(finding := Finding("a problem " * 20, "advice", 2, 2, "Image Urls", "text"))
    assert findings.listed == (Finding(finding.problem.strip(), "advice", 2, 2, "Image Urls", "text"),)


def test_a_very_long_column_name_does_not_make_the_findings_long() -> None:
    name = "Image Urls" + "!" * 300_000
    data = f"No,Name,{name}\n".encode() + b"".join(b"%d,L,no-url.jpg\n" % number for number in range(1000))
    found = inspect_catalogue(lambda: [data], CatalogueLimits(), AddressPolicy()).findings
    assert len(found) >= 999
    assert sum(map(_characters, found)) < 1_000_000
