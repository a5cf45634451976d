"""What is wrong with an uploaded file, told all at once."""

from dataclasses import dataclass, field

_MAX_LISTED = 1000
_MAX_TEXT = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of an uploaded file.

    row: as a spreadsheet counts, so the header is usually row 1. line: of the text, where cells may span lines.
    column: the header's name for it. text: what stands there, cut short. All None where the whole file is meant.
    """

    problem: str
    advice: str
    row: int | None = None
    line: int | None = None
    column: str | None = None
    text: str | None = None


class CatalogueRefused(Exception):
    """The file cannot be used. `findings` are its faults in the file's order, `more` how many were left out."""

    def __init__(self, findings: tuple[Finding, ...], more: int = 0) -> None:
        super().__init__("; ".join(finding.problem for finding in findings[:3]))
        self.findings = findings
        self.more = more


@dataclass(slots=True)
class Findings:
    """Faults as they are found: the first thousand are listed, the rest counted."""

    listed: list[Finding] = field(default_factory=list)
    more: int = 0

    def add(self, finding: Finding) -> None:
        if len(self.listed) < _MAX_LISTED:
            self.listed.append(finding)
        else:
            self.more += 1

    def refuse_if_any(self) -> None:
        """Raise CatalogueRefused if anything was found."""
        if self.listed:
            raise CatalogueRefused(tuple(self.listed), self.more)


def cut(text: str) -> str:
    """The beginning of `text`, short enough to be shown."""
    text = text.strip()
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
