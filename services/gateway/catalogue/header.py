"""Finds the profile of a catalogue and the columns that matter from its header. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.gateway.catalogue.findings import CatalogueRefused, Finding, Findings, shorten
from services.gateway.catalogue.image_urls import begins_with_url
from services.gateway.catalogue.profiles import (
    OUTPUT,
    PROFILES,
    Column,
    is_image_name,
    is_known,
    is_main_beside_numbered,
    is_numbered,
    normalise,
)
from shared.catalogue import ImageColumn, Profile

_PLATFORMS = tuple(profile for profile in Profile if profile is not Profile.GENERIC)
_PROFILE_NAMES = ", ".join(profile.value for profile in Profile)
_PLATFORM_NAMES = ", ".join(profile.value for profile in _PLATFORMS)
_PLATFORM_SERIALS = frozenset({"sku", "id"})


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
    """How a header matches a profile. by_fallback: a serial number or image column was found by a fallback alias."""

    layout: Layout
    missing: list[str]
    ambiguous: list[tuple[str, list[int]]]
    by_fallback: bool

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
    names = [normalise(name) for name in header]
    if not any(map(is_known, names)):
        raise CatalogueRefused((_no_header(header, *place),))
    matches = _matches(names, profile)
    faults = list(_faults(matches, header, place, named=profile is not None))
    for fault in faults:
        findings.add(fault)
    if faults:
        return None
    for unread in _unread(matches[0], header, place):
        findings.add(unread)
    return matches[0].layout


def layout_of(header: Sequence[str], profile: Profile) -> Layout:
    """The layout of a header whose profile is known."""
    return _match([normalise(name) for name in header], profile).layout


def _matches(names: Sequence[str], profile: Profile | None) -> list[_Match]:
    """The profiles that the header matches; generic if it matches none.

    A header with the generic columns is generic, unless its image column is only the first of numbered ones.
    """
    if profile is not None:
        return [_match(names, profile)]
    generic = _match(names, Profile.GENERIC)
    matching = [match for match in (_match(names, platform) for platform in _PLATFORMS) if match.fits]
    platforms = [
        match
        for number, match in enumerate(matching)
        if not any(match.images <= earlier.images for earlier in matching[:number])
    ]
    if generic.fits and not generic.by_fallback:
        numbered = [match for match in platforms if match.layout.profile is Profile.NUMBERED]
        return [match for match in numbered if match.images > generic.images] or [generic]
    return platforms or [generic]


def _match(names: Sequence[str], profile: Profile) -> _Match:
    columns = PROFILES[profile]
    missing, ambiguous, fallbacks = list[str](), list[tuple[str, list[int]]](), set[Column]()

    def find(column: Column) -> int | None:
        found = [index for index, name in enumerate(names) if name in column.aliases]
        if not found and (found := [index for index, name in enumerate(names) if name in column.fallback_aliases]):
            fallbacks.add(column)
        if len(found) > 1:
            ambiguous.append((column.name, found))
        return found[0] if found else None

    def find_images(column: Column) -> list[int]:
        if column.repeated:
            return [index for index, name in enumerate(names) if name.rstrip("0123456789") in column.aliases]
        index = find(column)
        return [] if index is None else [index]

    serials = [index for column in columns.serials if (index := find(column)) is not None]
    if not serials:
        missing.append(columns.serials[0].name if len(columns.serials) == 1 else _or(columns.serials))
    name = next((index for column in columns.names if (index := find(column)) is not None), None)
    if profile is Profile.GENERIC and name is None:
        missing.append(columns.names[0].name)
    if profile is Profile.NUMBERED:
        images = _numbered(names, ambiguous)
    else:
        images = [ImageColumn(index, column.many) for column in columns.images for index in find_images(column)]
    if not images:
        missing.append(_or(columns.images) or "image_1")
    output = find(OUTPUT) if profile is Profile.GENERIC else None
    images.sort(key=lambda image: image.index)
    layout = Layout(profile, tuple(serials), name, tuple(images), output)
    return _Match(layout, missing, ambiguous, by_fallback=not fallbacks.isdisjoint((*columns.serials, *columns.images)))


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
        if index not in match.images and is_image_name(normalise(name)):
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
    advice = f"Add it, or rename the column that holds it. The header has: {shorten(', '.join(filter(None, header)))}"
    if profile is Profile.GENERIC and column == PROFILES[profile].serials[0].name:
        platform_serials = [name for name in header if normalise(name) in _PLATFORM_SERIALS]
        if platform_serials:
            advice = (
                f'"{platform_serials[0]}" is used for it only in a shop platform\'s file with its image columns. '
                + advice
            )
    problem = f'the column "{column}" is missing' + (f" for profile={profile}" if named else "")
    return Finding(problem, advice, *place, column)


def _ambiguous(column: str, names: Sequence[str], place: tuple[int, int]) -> Finding:
    listed = " and ".join(f'"{name}"' for name in names)
    return Finding(f'{listed} may all be "{column}"', "Rename all but one of them.", *place, column)
