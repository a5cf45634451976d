"""A fixture: the bytes of a catalogue, and the rows and findings that are expected of it."""

from dataclasses import dataclass

from services.gateway.catalogue import Severity
from shared.catalogue import Profile

HEADER = "S. No.,Product Name,Input Image Urls"
A, B, C = "https://a.example/1.jpg", "https://b.example/2.jpg", "https://c.example/3.jpg"


@dataclass(frozen=True)
class Row:
    """An expected row. columns: the URLs of each image column, in the catalogue's order."""

    serial_number: str
    product_name: str
    columns: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ExpectedFinding:
    """problem: a part of the finding's problem."""

    severity: Severity
    problem: str
    line: int | None = None
    column: str | None = None


@dataclass(frozen=True)
class Fixture:
    """A file with its expected rows, slot errors and warnings; or, with an error among `findings`, a refused file."""

    name: str
    data: bytes
    rows: tuple[Row, ...] = ()
    findings: tuple[ExpectedFinding, ...] = ()
    profile: Profile = Profile.GENERIC
    delimiter: str = ","
    encoding: str = "utf-8"
    bom: bool = False

    @property
    def refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def row(serial_number: str, product_name: str, *columns: tuple[str, ...] | str) -> Row:
    """A row whose image columns hold these URLs; a string is a column with one URL."""
    return Row(
        serial_number, product_name, tuple((column,) if isinstance(column, str) else column for column in columns)
    )


def text(*lines: str, end: str = "\n", encoding: str = "utf-8") -> bytes:
    """The file with these lines."""
    return "".join(line + end for line in lines).encode(encoding)


def error(problem: str, line: int | None = None, column: str | None = None) -> ExpectedFinding:
    return ExpectedFinding("error", problem, line, column)


def slot_error(problem: str, line: int | None = None, column: str | None = "Input Image Urls") -> ExpectedFinding:
    return ExpectedFinding("slot_error", problem, line, column)


def warning(problem: str, line: int | None = None, column: str | None = None) -> ExpectedFinding:
    return ExpectedFinding("warning", problem, line, column)
