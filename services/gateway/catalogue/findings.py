"""What is found in an uploaded file, told all at once."""

from dataclasses import dataclass, field, replace
from typing import Literal

_MAX_LISTED = 1000
_MIN_WARNINGS = 100
_MAX_TEXT = 120
_MAX_SENTENCE = 1000


Severity = Literal["error", "slot_error", "warning"]
"""error: the file is refused. slot_error: that slot fails, the rest is processed. warning: it was corrected, or
looks odd."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found in an uploaded file.

    row: as a spreadsheet counts, so the header is usually row 1. line: of the text, where cells may span lines.
    column: the header's name for it. text: what stands there, cut short. All None where the whole file is meant.
    """

    problem: str
    advice: str
    row: int | None = None
    line: int | None = None
    column: str | None = None
    text: str | None = None
    severity: Severity = "error"


class CatalogueRefused(Exception):
    """The file cannot be used. `findings` are its faults in the file's order, `more` how many were left out."""

    def __init__(self, findings: tuple[Finding, ...], more: int = 0) -> None:
        super().__init__("; ".join(finding.problem for finding in findings[:3]))
        self.findings = tuple(map(_bounded, findings))
        self.more = more


@dataclass(slots=True)
class Findings:
    """What is found: a thousand are listed, the rest counted.

    An error is never left out for a lesser finding, nor a refused slot for a warning, but for the first hundred.
    """

    count: int = 0
    _kept: dict[Severity, list[tuple[int, Finding]]] = field(
        default_factory=lambda: {"error": [], "slot_error": [], "warning": []}
    )

    def add(self, finding: Finding) -> None:
        self.count += 1
        kept = self._kept[finding.severity]
        if len(kept) < _MAX_LISTED or finding.row is None:  # of the file as a whole: these are few, and matter most
            kept.append((self.count, _bounded(finding)))

    @property
    def refused(self) -> bool:
        """Whether there is an error among them."""
        return bool(self._kept["error"])

    @property
    def listed(self) -> tuple[Finding, ...]:
        """In the order in which they were found."""
        errors, slots, warnings = (sorted(kept, key=_of_a_row)[:_MAX_LISTED] for kept in self._kept.values())
        room = _MAX_LISTED - len(errors)
        chosen = errors + slots[: max(room - min(len(warnings), _MIN_WARNINGS), 0)]
        chosen += warnings[: _MAX_LISTED - len(chosen)]
        return tuple(finding for _, finding in sorted(chosen, key=lambda numbered: numbered[0]))

    @property
    def more(self) -> int:
        """How many are not listed."""
        return self.count - len(self.listed)

    def refuse_if_any(self) -> None:
        """Raise CatalogueRefused, with all that was found, if there is an error among it."""
        if self.refused:
            raise CatalogueRefused(self.listed, self.more)


def _bounded(finding: Finding) -> Finding:
    """Short enough to be told a thousand times: what a file says, its columns' names too, may be of any length."""
    if len(finding.problem) + len(finding.advice) + len(finding.column or "") + len(finding.text or "") <= _MAX_TEXT:
        return finding
    return replace(
        finding,
        problem=cut(finding.problem, _MAX_SENTENCE),
        advice=cut(finding.advice, _MAX_SENTENCE),
        column=finding.column and cut(finding.column),
        text=finding.text and cut(finding.text),
    )


def _of_a_row(numbered: tuple[int, Finding]) -> bool:
    return numbered[1].row is not None


def cut(text: str, length: int = _MAX_TEXT) -> str:
    """The beginning of `text`, short enough to be shown."""
    text = text[: 10 * length].strip()
    return text if len(text) <= length else text[: length - 1] + "…"
