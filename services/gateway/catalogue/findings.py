"""What is wrong with an uploaded file, told all at once."""

from dataclasses import dataclass, field
from typing import Literal

_MAX_LISTED = 1000
_MAX_TEXT = 120


Severity = Literal["error", "slot", "warning"]
"""error: the file is refused. slot: that image fails, the rest goes on. warning: it was mended, or looks odd."""


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
        self.findings = findings
        self.more = more


@dataclass(slots=True)
class Findings:
    """What is found, in that order: the first thousand are listed, the rest counted."""

    listed: list[Finding] = field(default_factory=list)
    more: int = 0
    refused: bool = False  # there is an error among them, listed or not

    def add(self, finding: Finding) -> None:
        self.refused |= finding.severity == "error"
        if len(self.listed) < _MAX_LISTED:
            self.listed.append(finding)
        else:
            self.more += 1

    def refuse_if_any(self) -> None:
        """Raise CatalogueRefused, with all that was found, if there is an error among it."""
        if self.refused:
            raise CatalogueRefused(tuple(self.listed), self.more)


def cut(text: str) -> str:
    """The beginning of `text`, short enough to be shown."""
    text = text.strip()
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
