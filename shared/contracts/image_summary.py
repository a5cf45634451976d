"""What became of all the images of a request, added up from groups of them. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.contracts.error_codes import ErrorCode
from shared.contracts.states import END_STATES, ImageState

HOSTS_COMPARED = 10_000
"""Of a request with more hosts, those with the fewest images are counted, but not looked at one by one."""

_HOSTS_LISTED = 100
_SLOWEST_LISTED = 10
KEPT_LISTED = 100


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """Images that are alike in these respects: how many, and the sums of their results' figures.

    action, reused: of their results; None if they have none.
    """

    host: str
    state: ImageState
    error_code: ErrorCode | None
    action: str | None
    reused: str | None
    images: int
    bytes_in: int
    bytes_out: int
    fetch_ms: int
    target_missed: int


@dataclass(frozen=True, slots=True)
class HostSummary:
    """fetch_ms_mean: over the images that were downloaded; None if none was. Failed ones have no figures."""

    host: str
    images: int
    compressed: int
    failed: int
    bytes_in: int
    bytes_out: int
    fetch_ms_mean: int | None


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """A request's images that have reached their end. Bytes are of the compressed ones, reused ones like the others.

    kept_original: how many results are the original itself; kept_urls: up to a hundred of their URLs.
    unchanged, same_bytes: how many results were copied, see ImageResult.reused.
    target_missed: how many results are larger than was asked for.
    hosts: the hundred with the most images; more_hosts: how many are left out.
    slowest_hosts: the ten with the longest mean download; of more than 10,000 hosts, those with the most images count.
    errors: how many images failed for which reason, the most frequent first.
    """

    compressed: int
    failed: int
    kept_original: int
    unchanged: int
    same_bytes: int
    target_missed: int
    bytes_in: int
    bytes_out: int
    hosts: tuple[HostSummary, ...]
    more_hosts: int
    slowest_hosts: tuple[HostSummary, ...]
    errors: tuple[tuple[ErrorCode, int], ...]
    kept_urls: tuple[str, ...]


class Tally:
    """Adds up groups. `hosts` are those to be looked at, in the order in which they are to be listed."""

    def __init__(self, hosts: Iterable[str], all_hosts: int) -> None:
        self._hosts: dict[str, Counter[str]] = {host: Counter() for host in hosts}
        self._all_hosts = all_hosts
        self._total: Counter[str] = Counter()
        self._errors: Counter[ErrorCode] = Counter()

    def add(self, group: ImageGroup) -> None:
        if group.state not in END_STATES:
            return
        if group.error_code is not None and group.state is ImageState.FAILED:
            self._errors[group.error_code] += group.images
        figures = _figures(group)
        self._total.update(figures)
        if group.host in self._hosts:
            self._hosts[group.host].update(figures)

    @property
    def kept_original(self) -> int:
        return self._total["kept_original"]

    def summary(self, kept_urls: Sequence[str]) -> ImageSummary:
        hosts = [_host_summary(host, figures) for host, figures in self._hosts.items()]
        fetched = [host for host in hosts if host.fetch_ms_mean is not None]
        slowest = sorted(fetched, key=lambda host: (-(host.fetch_ms_mean or 0), -host.images, host.host))
        total = self._total
        return ImageSummary(
            compressed=total["compressed"],
            failed=total["failed"],
            kept_original=total["kept_original"],
            unchanged=total["unchanged"],
            same_bytes=total["same_bytes"],
            target_missed=total["target_missed"],
            bytes_in=total["bytes_in"],
            bytes_out=total["bytes_out"],
            hosts=tuple(hosts[:_HOSTS_LISTED]),
            more_hosts=self._all_hosts - len(hosts[:_HOSTS_LISTED]),
            slowest_hosts=tuple(slowest[:_SLOWEST_LISTED]),
            errors=tuple(sorted(self._errors.items(), key=lambda error: (-error[1], error[0]))),
            kept_urls=tuple(kept_urls),
        )


def _figures(group: ImageGroup) -> dict[str, int]:
    is_compressed = group.state is ImageState.COMPRESSED
    was_fetched = is_compressed and group.reused != "unchanged"
    return {
        "images": group.images,
        "compressed": group.images * is_compressed,
        "failed": group.images * (not is_compressed),
        "kept_original": group.images * (group.action == "kept_original"),
        "unchanged": group.images * (group.reused == "unchanged"),
        "same_bytes": group.images * (group.reused == "same_bytes"),
        "target_missed": group.target_missed,
        "bytes_in": group.bytes_in,
        "bytes_out": group.bytes_out,
        "fetched": group.images * was_fetched,
        "fetch_ms": group.fetch_ms * was_fetched,
    }


def _host_summary(host: str, figures: Counter[str]) -> HostSummary:
    return HostSummary(
        host=host,
        images=figures["images"],
        compressed=figures["compressed"],
        failed=figures["failed"],
        bytes_in=figures["bytes_in"],
        bytes_out=figures["bytes_out"],
        fetch_ms_mean=round(figures["fetch_ms"] / figures["fetched"]) if figures["fetched"] else None,
    )
