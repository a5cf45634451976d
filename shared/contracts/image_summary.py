"""Totals over the images of a request, by host and by error code. Pure: the database supplies groups of images."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.contracts.error_codes import ErrorCode
from shared.contracts.states import TERMINAL_STATES, ImageState

MAX_HOSTS_COMPARED = 10_000
"""If a request has more hosts, only those with the most images are totalled one by one."""

MAX_KEPT_ORIGINAL_URLS = 100
MAX_HOSTS_LISTED = 100
MAX_SLOWEST_LISTED = 10


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """Images that have the same host, state, error code, action and reuse: their number and the sums of their figures.

    action, reused: see ImageResult; None for images without a result.
    target_missed: how many of the results are larger than requested.
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
    """Totals over the images of one host. Bytes are those of compressed images.

    fetch_ms_mean: over the compressed images that this request downloaded; None if there is none.
    """

    host: str
    images: int
    compressed: int
    failed: int
    cancelled: int
    bytes_in: int
    bytes_out: int
    fetch_ms_mean: int | None


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """Totals over a request's ended images. Bytes are those of compressed images, also of reused ones.

    kept_original: number of results that are the original itself, perhaps without its metadata.
    kept_original_urls: the URLs of at most MAX_KEPT_ORIGINAL_URLS of them.
    unchanged, same_bytes: number of results that were copied, see ImageResult.reused.
    target_missed: number of results that are larger than requested.
    hosts: the MAX_HOSTS_LISTED hosts with the most images; more_hosts: how many others there are.
    slowest_hosts: the MAX_SLOWEST_LISTED hosts with the longest mean download, of the MAX_HOSTS_COMPARED with the most
    images.
    errors: number of failed images by error code, the most frequent first.
    """

    compressed: int
    failed: int
    cancelled: int
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
    kept_original_urls: tuple[str, ...]


class ImageSummaryBuilder:
    """Adds up groups of images; groups in other than terminal states are ignored."""

    def __init__(self, hosts: Iterable[str], all_hosts: int) -> None:
        """`hosts`: those to total one by one, in the order of the summary. `all_hosts`: the number of all hosts."""
        self._hosts: dict[str, Counter[str]] = {host: Counter() for host in hosts}
        self._all_hosts = all_hosts
        self._total: Counter[str] = Counter()
        self._errors: Counter[ErrorCode] = Counter()

    def add(self, group: ImageGroup) -> None:
        if group.state not in TERMINAL_STATES:
            return
        if group.error_code is not None and group.state is ImageState.FAILED:
            self._errors[group.error_code] += group.images
        figures = _figures(group)
        self._total.update(figures)
        if group.host in self._hosts:
            self._hosts[group.host].update(figures)

    @property
    def kept_original(self) -> int:
        """The number of originals kept so far."""
        return self._total["kept_original"]

    def build(self, kept_original_urls: Sequence[str]) -> ImageSummary:
        hosts = [_host_summary(host, figures) for host, figures in self._hosts.items()]
        fetched = [host for host in hosts if host.fetch_ms_mean is not None]
        slowest = sorted(fetched, key=lambda host: (-(host.fetch_ms_mean or 0), -host.images, host.host))
        listed = hosts[:MAX_HOSTS_LISTED]
        total = self._total
        return ImageSummary(
            compressed=total["compressed"],
            failed=total["failed"],
            cancelled=total["cancelled"],
            kept_original=total["kept_original"],
            unchanged=total["unchanged"],
            same_bytes=total["same_bytes"],
            target_missed=total["target_missed"],
            bytes_in=total["bytes_in"],
            bytes_out=total["bytes_out"],
            hosts=tuple(listed),
            more_hosts=self._all_hosts - len(listed),
            slowest_hosts=tuple(slowest[:MAX_SLOWEST_LISTED]),
            errors=tuple(sorted(self._errors.items(), key=lambda error: (-error[1], error[0]))),
            kept_original_urls=tuple(kept_original_urls),
        )


def _figures(group: ImageGroup) -> dict[str, int]:
    is_compressed = group.state is ImageState.COMPRESSED
    was_fetched = is_compressed and group.reused != "unchanged"
    return {
        "images": group.images,
        "compressed": group.images * is_compressed,
        "failed": group.images * (group.state is ImageState.FAILED),
        "cancelled": group.images * (group.state is ImageState.CANCELLED),
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
        cancelled=figures["cancelled"],
        bytes_in=figures["bytes_in"],
        bytes_out=figures["bytes_out"],
        fetch_ms_mean=round(figures["fetch_ms"] / figures["fetched"]) if figures["fetched"] else None,
    )
