"""The kinds of findings that the fixtures produce, without what varies from file to file; docs/csv.md lists them."""

import re
from collections.abc import Iterator

from services.gateway.catalogue import CatalogueRefused, Finding, Severity
from tests.catalogues import FIXTURES
from tests.catalogues.reading import inspected

_ORDER: tuple[Severity, ...] = ("error", "slot_error", "warning")
_VARIES = (
    (re.compile(r'"[^"&;]*"(?: and "[^"]*")*'), "“…”"),
    (re.compile(r"0x[0-9A-F]{2}"), "0xNN"),
    (re.compile(r"(?<![\w#&%-])\d+(?:,\d{3})*(?![\w])"), "N"),
    (re.compile(r"profile=\w+"), "profile=…"),
    (re.compile(r"those of [\w ]+"), "those of …"),
    (re.compile(r"looks like (?!a column).*"), "looks like …"),
    (re.compile(r"separated by .*"), "separated by …"),
    (re.compile(r"(?<=0xNN; it was read as ).*"), "…"),
)


def finding_kinds() -> list[tuple[Severity, str]]:
    """Each severity with a problem, errors first."""
    kinds = {(finding.severity, _kind(finding.problem)) for finding in _findings()}
    return sorted(kinds, key=lambda kind: (_ORDER.index(kind[0]), kind[1]))


def _findings() -> Iterator[Finding]:
    for fixture in FIXTURES:
        try:
            yield from inspected(fixture.data).findings
        except CatalogueRefused as refused:
            yield from refused.findings


def _kind(problem: str) -> str:
    for pattern, word in _VARIES:
        problem = pattern.sub(word, problem)
    return problem
