"""What is told of all fixtures, as the guide's table: `python -m tests.catalogues.told` writes its lines."""

import re
import sys
from collections.abc import Iterator

from services.gateway.catalogue import CatalogueRefused, Finding
from tests.catalogues import FIXTURES
from tests.catalogues.reading import inspected

_ORDER = ("error", "slot_error", "warning")
_VARIES = (
    (re.compile(r'"[^"&;]*"(?: and "[^"]*")*'), "“…”"),
    (re.compile(r"0x[0-9A-F]{2}"), "0xNN"),
    (re.compile(r"(?<![\w#&%-])\d+(?:,\d{3})*(?![\w])"), "N"),
    (re.compile(r"profile=\w+"), "profile=…"),
    (re.compile(r"those of [\w ]+"), "those of …"),
    (re.compile(r"looks like (?!a column).*"), "looks like …"),
    (re.compile(r"separated by .*"), "separated by …"),
)


def finding_lines() -> list[str]:
    """A line for each kind of finding, without what differs from file to file."""
    kinds = {(_ORDER.index(finding.severity), _kind(finding.problem)) for finding in _findings()}
    return [f"| {_ORDER[order]} | {problem} |" for order, problem in sorted(kinds)]


def _findings() -> Iterator[Finding]:
    for fixture in FIXTURES:
        try:
            yield from inspected(fixture.data).findings
        except CatalogueRefused as refused:
            yield from refused.findings


def _kind(problem: str) -> str:
    for pattern, word in _VARIES:
        problem = pattern.sub(word, problem)
    problem = problem.replace("Windows-N", "Windows-1252")
    return problem.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write("\n".join(finding_lines()) + "\n")
