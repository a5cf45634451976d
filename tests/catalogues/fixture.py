"""What a fixture is: a file's bytes, and what is expected of whoever reads it."""

from dataclasses import dataclass

from services.gateway.catalogue import Severity
from shared.catalogue import Profile

HEADER = "S. No.,Product Name,Input Image Urls"
A, B, C = "https://a.example/1.jpg", "https://b.example/2.jpg", "https://c.example/3.jpg"


@dataclass(frozen=True)
class Row:
    """An expected row. columns: the URLs of each image column, in the form's order."""

    serial_number: str
    product_name: str
    columns: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Told:
    """An expected finding; problem: a part of what it says."""

    severity: Severity
    problem: str
    line: int | None = None
    column: str | None = None


@dataclass(frozen=True)
class Fixture:
    """A file, and either its rows (with all warnings and refused slots) or, with an error among `told`, the refusal."""

    name: str
    data: bytes
    rows: tuple[Row, ...] = ()
    told: tuple[Told, ...] = ()
    profile: Profile = Profile.GENERIC
    delimiter: str = ","
    encoding: str = "utf-8"
    bom: bool = False

    @property
    def refused(self) -> bool:
        return any(told.severity == "error" for told in self.told)


def row(serial_number: str, product_name: str, *columns: tuple[str, ...] | str) -> Row:
    """A row whose image columns hold these URLs; a lone one may stand for a tuple of one."""
    return Row(
        serial_number, product_name, tuple((column,) if isinstance(column, str) else column for column in columns)
    )


def text(*lines: str, end: str = "\n", encoding: str = "utf-8") -> bytes:
    """The file with these lines."""
    return "".join(line + end for line in lines).encode(encoding)


def error(problem: str, line: int | None = None, column: str | None = None) -> Told:
    return Told("error", problem, line, column)


def slot_error(problem: str, line: int | None = None, column: str | None = "Input Image Urls") -> Told:
    return Told("slot_error", problem, line, column)


def warning(problem: str, line: int | None = None, column: str | None = None) -> Told:
    return Told("warning", problem, line, column)
