"""Finds the profile of a catalogue and the columns that matter from its header. Pure."""

from collections.abc import Iterator, Sequence

from services.gateway.catalogue.findings import CatalogueRefused, Finding, Findings, shorten
from services.gateway.catalogue.image_urls import begins_with_url
from services.gateway.catalogue.layout import Layout, Match, match_columns
from services.gateway.catalogue.profiles import PROFILES, is_image_name, is_known, read_name
from shared.catalogue import Profile

_PLATFORMS = tuple(profile for profile in Profile if profile is not Profile.GENERIC)
_MAX_LISTED_CHARS = 800
_PROFILE_NAMES = ", ".join(profile.value for profile in Profile)
_PLATFORM_NAMES = ", ".join(profile.value for profile in _PLATFORMS)


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
    return match_columns([read_name(name) for name in header], profile).layout


def _matches(names: Sequence[str], profile: Profile | None) -> list[Match]:
    """The profiles that the header matches; generic if it matches none.

    A header with the generic columns is generic, unless its image column is only the first of numbered ones.
    """
    if profile is not None:
        return [match_columns(names, profile)]
    generic = match_columns(names, Profile.GENERIC)
    marked = (match_columns(names, platform) for platform in _PLATFORMS if _is_marked(names, platform))
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


def _faults(
    matches: Sequence[Match], header: Sequence[str], place: tuple[int, int], *, named: bool
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


def _left_out(match: Match, matches: Sequence[Match], header: Sequence[str]) -> str:
    """The image columns of the other matches, which this one would not read."""
    others = sorted(frozenset[int]().union(*(other.images for other in matches)) - match.images)
    return f" (without {', '.join(header[index] for index in others)})" if others else ""


def _unread(match: Match, header: Sequence[str], place: tuple[int, int]) -> Iterator[Finding]:
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
