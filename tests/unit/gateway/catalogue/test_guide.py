"""docs/csv.md says what the code does: its tables are made from the code, its examples are read by it."""

import re
from collections.abc import Iterable, Iterator

import pytest

from services.gateway.catalogue.profiles import PROFILES, Column
from services.gateway.settings import CatalogueSettings
from shared.catalogue import Profile
from tests.catalogues.reading import inspected, rows_of
from tests.catalogues.told import finding_lines
from tests.support.tree import ROOT

_GUIDE = (ROOT / "docs" / "csv.md").read_text()


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


def _aliases() -> Iterator[str]:
    generic = PROFILES[Profile.GENERIC]
    for column in (*generic.serials, *generic.names, *generic.images):
        yield _row(column.name, _code(column.spellings), _code(column.weak))


def _platforms() -> Iterator[str]:
    for profile, columns in PROFILES.items():
        if profile not in {Profile.GENERIC, Profile.NUMBERED}:
            yield _row(f"`{profile}`", _names(columns.serials), _names(columns.names), _names(columns.images))


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(f"`{column.name}`" + " (list)" * column.many for column in columns)


def _limits() -> Iterator[str]:
    for name, field in CatalogueSettings.model_fields.items():
        yield _row(str(field.description).removesuffix("."), f"`{name.upper()}`", f"{field.default:,}")


@pytest.mark.parametrize("line", [*_aliases(), *_platforms(), *_limits()])
def test_its_tables_are_the_code_s(line: str) -> None:
    assert line in _GUIDE.splitlines()


def test_it_lists_what_is_told_of_the_fixtures_and_nothing_else() -> None:
    listed = [line for line in _GUIDE.splitlines() if line.startswith(("| error |", "| slot_error |", "| warning |"))]
    assert listed == finding_lines()


@pytest.mark.parametrize("example", re.findall(r"```csv\n(.*?)```", _GUIDE, re.DOTALL))
def test_its_examples_can_be_uploaded(example: str) -> None:
    assert inspected(example.encode()).refused_slots == 0


def test_its_list_of_urls_with_commas_is_two() -> None:
    [example] = [text for text in re.findall(r"```csv\n(.*?)```", _GUIDE, re.DOTALL) if "cdn.example" in text]
    [row] = rows_of(example.encode(), inspected(example.encode()).catalogue_format)
    assert row.urls == ("https://cdn.example/w_100,h_80/1.jpg", "https://cdn.example/w_100,h_80/2.jpg")
