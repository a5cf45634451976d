"""Tables of docs/csv.md: columns and platforms from the gateway's profiles, limits from its settings, and findings.

The findings are those that the fixtures of tests/catalogues produce: their texts are built where a fault is found.
"""

from collections.abc import Iterable

from dev.docs.markdown import code, table
from services.gateway.catalogue.columns import Column
from services.gateway.catalogue.profiles import PROFILES
from services.gateway.settings import ApiSettings, CatalogueSettings
from shared.catalogue import Profile
from tests.catalogues.finding_kinds import finding_kinds


def catalogue_columns() -> str:
    generic = PROFILES[Profile.GENERIC]
    rows = [
        (column.name, _codes(column.aliases), "; ".join(map(_codes, (*column.fallbacks, *column.last_resorts))))
        for column in (*generic.serials, *generic.names, *generic.images)
    ]
    return table(("column", "names", "fallback names, the best first"), rows)


def catalogue_platforms() -> str:
    rows = [
        (code(profile), _names(columns.serials), _names(columns.names), _names(columns.images))
        for profile, columns in PROFILES.items()
        if profile not in {Profile.GENERIC, Profile.NUMBERED}
    ]
    rows.append(
        (
            code(Profile.NUMBERED),
            _names(PROFILES[Profile.NUMBERED].serials),
            _names(PROFILES[Profile.NUMBERED].names),
            "`image_1`, `image_2` …, also `Image 1`",
        )
    )
    return table(("profile", "serial number", "name", "image columns"), rows)


def catalogue_findings() -> str:
    return table(("severity", "problem"), [(code(severity), problem) for severity, problem in finding_kinds()])


def catalogue_limits() -> str:
    fields = CatalogueSettings.model_fields | {
        name: field for name, field in ApiSettings.model_fields.items() if name == "upload_max_bytes"
    }
    rows = [
        (str(field.description).removesuffix("."), code(name.upper()), f"{field.default:,}")
        for name, field in fields.items()
    ]
    return table(("limit", "setting", "default"), rows)


def _codes(words: Iterable[str]) -> str:
    return ", ".join(map(code, sorted(words)))


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(code(column.name) + " (list)" * column.many for column in columns)
