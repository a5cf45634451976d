"""Finds the profile of a catalogue and the columns that matter from its header. Pure."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.gateway.catalogue.columns import Aliases, Column, Columns
from services.gateway.catalogue.findings import CatalogueRefused, Finding, Findings, shorten
from services.gateway.catalogue.generic_columns import OUTPUT
from services.gateway.catalogue.image_urls import begins_with_url
from services.gateway.catalogue.profiles import (
    PROFILES,
    is_image_name,
    is_known,
    is_main_beside_numbered,
    is_numbered,
    read_name,
)
from shared.catalogue import ImageColumn, Profile

_PLATFORMS = tuple(profile for profile in Profile if profile is not Profile.GENERIC)
_MAX_LISTED_CHARS = 800
_PROFILE_NAMES = ", ".join(profile.value for profile in Profile)
_PLATFORM_NAMES = ", ".join(profile.value for profile in _PLATFORMS)


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
class _Match:
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


def read_layout(
    header: Sequence[str], place: tuple[int, int], findings: Findings, profile: Profile | None = None
) -> Layout | None:
    """The header's layout. None if columns are missing or ambiguous; each is then among the `findings`.

    `place`: the header's row and line. `profile` None: detect it. Raises CatalogueRefused if the row is no header.
    """
    names = [read_name(name) for name in header]
    if not any(map(is_known, names)):
        raise CatalogueRefused((_no_header(header, *place),))
    matches = _matches(names, profile)
    faults = list(_faults(matches, header, place, named=profile is not None))
    for fault in faults:
        findings.add(fault)
    if faults:
        return None
    (match,) = matches
    for index, taken_for in match.stand_ins.items():
        findings.add(_stand_in(header[index], taken_for, place))
    for unread in _unread(match, header, place):
        findings.add(unread)
    return match.layout


def layout_of(header: Sequence[str], profile: Profile) -> Layout:
    """The layout of a header whose profile is known."""
    return _match([read_name(name) for name in header], profile).layout


def _matches(names: Sequence[str], profile: Profile | None) -> list[_Match]:
    """The profiles that the header matches; generic if it matches none.

    A header with the generic columns is generic, unless its image column is only the first of numbered ones.
    """
    if profile is not None:
        return [_match(names, profile)]
    generic = _match(names, Profile.GENERIC)
    marked = (_match(names, platform) for platform in _PLATFORMS if _is_marked(names, platform))
    matching = [match for match in marked if match.fits]
    platforms = [
        match
        for number, match in enumerate(matching)
        if not any(match.images <= earlier.images for earlier in matching[:number])
    ]
    if generic.fits and not generic.by_fallback:
        numbered = [match for match in platforms if match.layout.profile is Profile.NUMBERED]
        return [match for match in numbered if match.images > generic.images] or [generic]
    return platforms or [generic]


def _is_marked(names: Sequence[str], profile: Profile) -> bool:
    marks = PROFILES[profile].marks
    return marks is None or any(map(marks.fullmatch, names))


def _match(names: Sequence[str], profile: Profile) -> _Match:
    columns = PROFILES[profile]
    search = _Search(names)
    serials = [index for column in columns.serials if (index := search.find(column)) is not None]
    name = next((index for column in columns.names if (index := search.find(column)) is not None), None)
    images = _image_columns(search, columns, profile)
    stand_ins: dict[int, str] = {}
    if profile is Profile.GENERIC and not images:
        index = search.find_last_resort(columns.images[0], {name, *serials})
        if index is not None:
            stand_ins[index] = columns.images[0].name
            images = [ImageColumn(index, columns.images[0].many)]
    if profile is Profile.GENERIC and not serials:
        index = search.find_last_resort(columns.serials[0], {name, *(column.index for column in images)})
        if index is not None:
            stand_ins[index] = columns.serials[0].name
            serials = [index]
    missing = _or_nothing(columns.serials, serials)
    if profile is Profile.GENERIC and name is None:
        missing.append(columns.names[0].name)
    if not images:
        missing.append(_or(columns.images) or "image_1")
    output = search.find(OUTPUT) if profile is Profile.GENERIC else None
    layout = Layout(profile, tuple(serials), name, tuple(images), output)
    by_fallback = bool(stand_ins) or not search.fallbacks.isdisjoint((*columns.serials, *columns.images))
    return _Match(layout, missing, search.ambiguous, by_fallback, stand_ins)


class _Search:
    """Finds columns in a header, given its normalised names.

    ambiguous: the columns that several names fit equally, with their indexes. fallbacks: those found by a fallback.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.ambiguous: list[tuple[str, list[int]]] = []
        self.fallbacks: set[Column] = set()

    def find(self, column: Column) -> int | None:
        """The column by the best of its names."""
        found = self._with_names(column, (column.aliases,))
        if found is None and (found := self._with_names(column, column.fallbacks)) is not None:
            self.fallbacks.add(column)
        return found

    def find_last_resort(self, column: Column, taken: Container[int | None]) -> int | None:
        return self._with_names(column, column.last_resorts, taken)

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


def _or_nothing(columns: Sequence[Column], found: Sequence[int]) -> list[str]:
    """What is missing if none of the columns was found."""
    if found:
        return []
    return [columns[0].name if len(columns) == 1 else _or(columns)]


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


def _faults(
    matches: Sequence[_Match], header: Sequence[str], place: tuple[int, int], *, named: bool
) -> Iterator[Finding]:
    if len(matches) > 1:
        platforms = " and ".join(match.layout.profile for match in matches)
        choices = " or ".join(f"profile={match.layout.profile}{_left_out(match, matches, header)}" for match in matches)
        yield Finding(
            f"the columns are those of {platforms}", f"Choose one: {choices}.", *place, text=shorten(", ".join(header))
        )
        return
    (match,) = matches
    for column in match.missing:
        yield _missing(column, match.layout.profile, header, place, named=named)
    for column, indexes in match.ambiguous:
        yield _ambiguous(column, [header[index] for index in indexes], place)


def _left_out(match: _Match, matches: Sequence[_Match], header: Sequence[str]) -> str:
    """The image columns of the other matches, which this one would not read."""
    others = sorted(frozenset[int]().union(*(other.images for other in matches)) - match.images)
    return f" (without {', '.join(header[index] for index in others)})" if others else ""


def _unread(match: _Match, header: Sequence[str], place: tuple[int, int]) -> Iterator[Finding]:
    """Warnings about columns that look like image columns but are not read under this profile."""
    for index, name in enumerate(header):
        if index not in match.images and is_image_name(read_name(name)):
            yield Finding(
                f'"{name}" looks like a column of image URLs but is not read under profile={match.layout.profile}',
                f"To read it, choose the profile that it belongs to ({_PROFILE_NAMES}), or rename it.",
                *place,
                name,
                severity="warning",
            )


def _no_header(header: Sequence[str], row: int, line: int) -> Finding:
    required = PROFILES[Profile.GENERIC]
    names = ", ".join(f'"{column.name}"' for column in (*required.serials, *required.names, *required.images))
    advice = f"The first row must name the columns {names}, or those of a shop platform ({_PLATFORM_NAMES})."
    if any(map(begins_with_url, header)):
        advice = f"The first row looks like a product. Add a row above it that names the columns {names}."
    return Finding("the file has no header", advice, row, line, text=shorten(",".join(header)))


def _missing(column: str, profile: Profile, header: Sequence[str], place: tuple[int, int], *, named: bool) -> Finding:
    problem = f'the column "{column}" is missing' + (f" for profile={profile}" if named else "")
    listed = shorten(", ".join(f'"{name}"' for name in header if name.strip()), _MAX_LISTED_CHARS)
    advice = f'Rename the column that holds it to "{column}", or add it. The header has: {listed}'
    return Finding(problem, advice, *place, column)


def _stand_in(name: str, taken_for: str, place: tuple[int, int]) -> Finding:
    return Finding(
        f'the column "{name}" was taken as "{taken_for}"',
        f'If another column holds it, rename that to "{taken_for}".',
        *place,
        name,
        severity="warning",
    )


def _ambiguous(column: str, names: Sequence[str], place: tuple[int, int]) -> Finding:
    listed = " and ".join(f'"{name}"' for name in names)
    return Finding(f'{listed} may all be "{column}"', "Rename all but one of them.", *place, column)
