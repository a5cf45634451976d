"""Inspects an upload before it is accepted. Pure, streaming.

Memory does not depend on the size of the file, apart from a few bytes for each distinct URL and serial number, which
are counted (`counting`). Sampling URLs takes at most 20 MB, whatever the catalogue holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.gateway.catalogue.counting import DistinctCounter
from services.gateway.catalogue.decoding import Chunks
from services.gateway.catalogue.encoding import NOT_GIVEN, GivenEncoding
from services.gateway.catalogue.findings import CatalogueRefused, Finding, Severity
from services.gateway.catalogue.hosts import HostCounts, HostSample
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.opening import open_catalogue
from services.gateway.catalogue.profiles import PROFILES
from services.gateway.catalogue.reading import Catalogue, CatalogueRow
from services.gateway.catalogue.records import may_have_backslash_quotes
from services.gateway.catalogue.serials import SerialChecks
from services.gateway.catalogue.url_verdicts import UrlNote, UrlVerdicts
from shared.catalogue import CatalogueFormat, Profile
from shared.url_policy import AddressPolicy

_NO_URL = "the row has no image URL"
_GIVE_URL = "Add a URL if the product should have an image."
_MAX_REFUSED_COUNTED = 1 << 17
_MAX_REFUSED_PENDING = 1 << 12


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a usable catalogue holds.

    rows: data rows. products: rows, or handles where the rows of a product share one.
    slots: places of image URLs. images: distinct URLs. refused_slots: slots whose URL is refused, so that they fail.
    slots_by_host: those with the most first. more_hosts: number of hosts that are not listed.
    findings: slot errors and warnings. more_findings: number of those that are not listed.
    accepted_images: distinct URLs that are not refused.
    samples: by host, its number of distinct URLs and the first few of them; empty unless samples were requested.
    """

    catalogue_format: CatalogueFormat
    rows: int
    products: int
    slots: int
    images: int
    refused_slots: int
    accepted_images: int
    slots_by_host: Mapping[str, int]
    more_hosts: int
    findings: tuple[Finding, ...]
    more_findings: int
    samples: Mapping[str, HostSample] = field(default_factory=dict)


def inspect_catalogue(
    chunks: Chunks,
    limits: CatalogueLimits,
    policy: AddressPolicy,
    profile: Profile | None = None,
    *,
    sample_per_host: int = 0,
    given_encoding: GivenEncoding = NOT_GIVEN,
) -> Inspection:
    """Read the whole file. `profile` None: detect it from the header. Raises CatalogueRefused with all findings.

    A file whose quotes are wrong is read again as one that escapes them by backslashes, and accepted if nothing else is
    wrong with it.
    """

    def inspect(*, backslash_quotes: bool) -> Inspection:
        catalogue = open_catalogue(chunks, limits, profile, given_encoding, backslash_quotes=backslash_quotes)
        return _Inspector(catalogue, policy, sample_per_host).inspect()

    try:
        return inspect(backslash_quotes=False)
    except CatalogueRefused as refused:
        if not may_have_backslash_quotes(refused.findings):
            raise
        try:
            return inspect(backslash_quotes=True)
        except CatalogueRefused:
            raise refused from None


class _Inspector:
    def __init__(self, catalogue: Catalogue, policy: AddressPolicy, sample_per_host: int) -> None:
        self._catalogue = catalogue
        self._verdicts = UrlVerdicts(policy)
        self._hosts = HostCounts(sample_per_host)
        self._refused_slots = 0
        self._refused_images = DistinctCounter(max_hashes=_MAX_REFUSED_COUNTED, pending=_MAX_REFUSED_PENDING)

    def inspect(self) -> Inspection:
        catalogue, serials = self._catalogue, SerialChecks(self._catalogue)
        judge, add_host, distinct = self._verdicts.judge, self._hosts.add, DistinctCounter()
        is_generic = catalogue.catalogue_format.profile is Profile.GENERIC
        rows = slots = 0
        for row in catalogue.rows():
            rows += 1
            slots += len(row.urls)
            serials.check(row.serial_number)
            distinct.add(map(hash, row.urls))
            for slot, url in enumerate(row.urls):
                host, note = judge(url)
                if host is not None:
                    add_host(host, url)
                if note is not None:
                    self._add_finding(row, slot, note, refused=host is None)
            if is_generic and not row.urls:
                catalogue.records.add_finding(_NO_URL, _GIVE_URL, self._column_of(row, 0), severity="warning")
        serials.finish()
        slots_by_host, more_hosts = self._hosts.largest()
        images = distinct.count()
        accepted_images = max(images - self._refused_images.count(), 0)
        return Inspection(
            catalogue_format=catalogue.catalogue_format,
            rows=rows,
            products=serials.distinct if PROFILES[catalogue.catalogue_format.profile].rows_share_serial else rows,
            slots=slots,
            images=images,
            refused_slots=self._refused_slots,
            accepted_images=accepted_images,
            slots_by_host=slots_by_host,
            more_hosts=more_hosts,
            findings=catalogue.findings.listed,
            more_findings=catalogue.findings.more,
            samples=self._hosts.samples(accepted_images),
        )

    def _add_finding(self, row: CatalogueRow, slot: int, note: UrlNote, *, refused: bool) -> None:
        if refused:
            self._refused_slots += 1
            self._refused_images.add((hash(row.urls[slot]),))
        severity: Severity = "slot_error" if refused else "warning"
        self._catalogue.records.add_finding(
            note.problem, note.advice, self._column_of(row, slot), row.urls[slot], severity
        )

    def _column_of(self, row: CatalogueRow, slot: int) -> str:
        """The name of the image column that has this slot of the row."""
        for column, count in zip(self._catalogue.catalogue_format.image_columns, row.slots, strict=True):
            if slot < count or column is self._catalogue.catalogue_format.image_columns[-1]:
                return self._catalogue.header[column.index]
            slot -= count
        raise AssertionError("a catalogue without image columns")
