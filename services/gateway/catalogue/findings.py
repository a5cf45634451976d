"""Findings: what is wrong or odd in an uploaded catalogue. The list is bounded, whatever the file contains. Pure."""

from dataclasses import dataclass, field, replace
from typing import Literal

MAX_FINDINGS = 1000
"""More are counted but not listed."""

MIN_WARNINGS = 100
"""Of these places, those that are kept for warnings unless errors need them."""

_MAX_TEXT = 120
_MAX_SENTENCE = 1000


Severity = Literal["error", "slot_error", "warning"]
"""error: the file is refused. slot_error: that slot fails, the rest is processed. warning: corrected, or odd."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in an uploaded file.

    row: counted as a spreadsheet does, so the header is usually row 1. line: of the text, as a cell may hold line
    breaks. column: the header's name for it. text: what the file has there, shortened. Each is None where it does not
    apply; `row` is None only for findings about the whole file.
    """

    problem: str
    advice: str
    row: int | None = None
    line: int | None = None
    column: str | None = None
    text: str | None = None
    severity: Severity = "error"


class CatalogueRefused(Exception):
    """The file cannot be used. findings: in the file's order. more: how many findings are not listed."""

    def __init__(self, findings: tuple[Finding, ...], more: int = 0) -> None:
        super().__init__("; ".join(finding.problem for finding in findings[:3]))
        self.findings = tuple(map(_bounded, findings))
        self.more = more


@dataclass(slots=True)
class Findings:
    """Collects findings and chooses at most MAX_FINDINGS to list: errors, then slot errors, then warnings.

    MIN_WARNINGS of the places are kept for warnings, unless errors need them.
    """

    count: int = 0
    _by_severity: dict[Severity, list[tuple[int, Finding]]] = field(
        default_factory=lambda: {"error": [], "slot_error": [], "warning": []}
    )

    def add(self, finding: Finding) -> None:
        self.count += 1
        collected = self._by_severity[finding.severity]
        if len(collected) < MAX_FINDINGS or finding.row is None:  # those about the whole file are few and always kept
            collected.append((self.count, _bounded(finding)))

    @property
    def refused(self) -> bool:
        """Whether there is an error among them."""
        return bool(self._by_severity["error"])

    @property
    def listed(self) -> tuple[Finding, ...]:
        """In the order in which they were found."""
        errors, slot_errors, warnings = (
            sorted(collected, key=_has_row)[:MAX_FINDINGS] for collected in self._by_severity.values()
        )
        room = MAX_FINDINGS - len(errors)
        chosen = errors + slot_errors[: max(room - min(len(warnings), MIN_WARNINGS), 0)]
        chosen += warnings[: MAX_FINDINGS - len(chosen)]
        return tuple(finding for _, finding in sorted(chosen, key=lambda numbered: numbered[0]))

    @property
    def more(self) -> int:
        """How many are not listed."""
        return self.count - len(self.listed)

    def raise_if_refused(self) -> None:
        """Raise CatalogueRefused with all findings if there is an error among them."""
        if self.refused:
            raise CatalogueRefused(self.listed, self.more)


def _bounded(finding: Finding) -> Finding:
    """The finding with shortened texts: cells and column names may have any length, and 1,000 findings are listed."""
    if len(finding.problem) + len(finding.advice) + len(finding.column or "") + len(finding.text or "") <= _MAX_TEXT:
        return finding
    return replace(
        finding,
        problem=shorten(finding.problem, _MAX_SENTENCE),
        advice=shorten(finding.advice, _MAX_SENTENCE),
        column=finding.column and shorten(finding.column),
        text=finding.text and shorten(finding.text),
    )


def _has_row(numbered: tuple[int, Finding]) -> bool:
    return numbered[1].row is not None


def shorten(text: str, length: int = _MAX_TEXT) -> str:
    """The beginning of `text`, at most `length` characters."""
    text = text[: 10 * length].strip()
    return text if len(text) <= length else text[: length - 1] + "…"
