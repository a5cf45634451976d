"""Which columns of a header are those of a profile. Pure."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from services.gateway.catalogue.columns import Aliases, Column, Columns
from services.gateway.catalogue.generic_columns import OUTPUT, SERIAL, URLS
from services.gateway.catalogue.profiles import PROFILES, is_main_beside_numbered, is_numbered
from shared.catalogue import ImageColumn, Profile


@dataclass(frozen=True, slots=True)
class Layout:
    """The indexes of the columns that matter. serials: the best first; a row uses the first that is not blank.

    name: None if the file has no name column, which only a platform's file may lack.
    """

    profile: Profile
    serials: tuple[int, ...]
    name: int | None
    images: tuple[ImageColumn, ...]
    output: int | None


@dataclass(slots=True)
class Match:
    """How a header matches a profile.

    by_fallback: a serial number or image column was found by a fallback. stand_ins: indexes of the columns that are
    taken although their names may mean something else, and what they are taken for.
    """

    layout: Layout
    missing: list[str]
    ambiguous: list[tuple[str, list[int]]]
    by_fallback: bool
    stand_ins: dict[int, str]

    @property
    def fits(self) -> bool:
        """Whether all required columns are there; some may be ambiguous."""
        return not self.missing

    @property
    def images(self) -> frozenset[int]:
        return frozenset(column.index for column in self.layout.images)


def match_columns(names: Sequence[str], profile: Profile) -> Match:
    """How a header with these normalised names matches the profile."""
    columns, is_generic = PROFILES[profile], profile is Profile.GENERIC
    search = _Search(names)
    serials = [index for column in columns.serials if (index := search.find(column)) is not None]
    name = next((index for column in columns.names if (index := search.find(column)) is not None), None)
    images = _image_columns(search, columns, profile)
    if is_generic and not images:
        images = [ImageColumn(index, URLS.many) for index in search.find_stand_in(URLS, {name, *serials})]
    if is_generic and not serials:
        serials = search.find_stand_in(SERIAL, {name, *(column.index for column in images)})
    missing = [] if serials else [_or(columns.serials)]
    if is_generic and name is None:
        missing.append(columns.names[0].name)
    if not images:
        missing.append(_or(columns.images) or "image_1")
    output = search.find(OUTPUT) if is_generic else None
    layout = Layout(profile, tuple(serials), name, tuple(images), output)
    by_fallback = not search.fallbacks.isdisjoint((*columns.serials, *columns.images))
    return Match(layout, missing, search.ambiguous, by_fallback, search.stand_ins)


class _Search:
    """Finds columns in a header, given its normalised names.

    ambiguous: the columns that several names fit equally, with their indexes. fallbacks: those found by a fallback or a
    last resort. stand_ins: as in Match.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.ambiguous: list[tuple[str, list[int]]] = []
        self.fallbacks: set[Column] = set()
        self.stand_ins: dict[int, str] = {}

    def find(self, column: Column) -> int | None:
        """The column by the best of its names."""
        found = self._with_names(column, (column.aliases,))
        if found is None and (found := self._with_names(column, column.fallbacks)) is not None:
            self.fallbacks.add(column)
        return found

    def find_stand_in(self, column: Column, taken: Container[int | None]) -> list[int]:
        """The column by the best of its last resorts, which is not among those that are `taken`; empty if none is."""
        index = self._with_names(column, column.last_resorts, taken)
        if index is None:
            return []
        self.fallbacks.add(column)
        self.stand_ins[index] = column.name
        return [index]

    def find_all(self, column: Column) -> list[int]:
        """The columns with the pattern of `column`; none if another one is read instead."""
        if column.unless is not None and any(map(column.unless.fullmatch, self.names)):
            return []
        if column.pattern is not None:
            return [index for index, name in enumerate(self.names) if column.pattern.fullmatch(name)]
        index = self.find(column)
        return [] if index is None else [index]

    def _with_names(
        self, column: Column, choices: Iterable[Aliases], taken: Container[int | None] = frozenset()
    ) -> int | None:
        for aliases in choices:
            found = [index for index, name in enumerate(self.names) if name in aliases and index not in taken]
            if len(found) > 1:
                self.ambiguous.append((column.name, found))
            if found:
                return found[0]
        return None


def _image_columns(search: _Search, columns: Columns, profile: Profile) -> list[ImageColumn]:
    if profile is Profile.NUMBERED:
        images = _numbered(search.names, search.ambiguous)
    else:
        images = [ImageColumn(index, column.many) for column in columns.images for index in search.find_all(column)]
    return sorted(images, key=lambda image: image.index)


def _numbered(names: Sequence[str], ambiguous: list[tuple[str, list[int]]]) -> list[ImageColumn]:
    numbered = [index for index, name in enumerate(names) if is_numbered(name)]
    if not numbered:
        return []
    numbered += [index for index, name in enumerate(names) if is_main_beside_numbered(name)]
    alike: dict[str, list[int]] = {}
    for index in numbered:
        alike.setdefault(names[index], []).append(index)
    ambiguous += [(name, indexes) for name, indexes in alike.items() if len(indexes) > 1]
    return [ImageColumn(index, many=False) for index in numbered]


def _or(columns: Iterable[Column]) -> str:
    return '" or "'.join(column.name for column in columns)
