"""Counts a catalogue's slots by host and samples URLs, in memory that does not grow with the number of hosts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.gateway.catalogue.counting import DistinctCounter, SeenHashes

MAX_LISTED = 1_000
_MAX_COUNTED = 20_000
_MAX_SAMPLED = 1_000


@dataclass(slots=True)
class HostSample:
    """images: how many distinct URLs a host has. urls: the first few of them, as the keys."""

    images: int = 0
    urls: dict[str, None] = field(default_factory=dict)


class HostCounts:
    """Counts the slots of each host and keeps the first `sample_per_host` distinct URLs of the first 1,000 hosts.

    If there are too many hosts to count, those with the fewest slots so far are dropped.
    """

    def __init__(self, sample_per_host: int) -> None:
        self._sample_per_host = sample_per_host
        self._counts: dict[str, int] = {}
        self._distinct = DistinctCounter(pending=1 << 12)
        self._samples: dict[str, HostSample] = {}
        self._seen = SeenHashes()
        self._images = 0

    def add(self, host: str, url: str) -> None:
        counts = self._counts
        if host in counts:
            counts[host] += 1
        else:
            self._distinct.add((hash(host),))
            if len(counts) >= _MAX_COUNTED:
                self._drop_small_ones()
            counts[host] = 1
        if self._sample_per_host:
            self._sample(host, url)

    def largest(self) -> tuple[Mapping[str, int], int]:
        """The hosts with the most slots, in that order, and the number of other hosts."""
        chosen = dict(sorted(self._counts.items(), key=lambda item: -item[1])[:MAX_LISTED])
        return chosen, max(self._distinct.count() - len(chosen), 0)

    def samples(self) -> Mapping[str, HostSample]:
        return self._samples

    @property
    def images(self) -> int:
        """Distinct URLs of all hosts; counted only while sampling."""
        return self._images

    def _drop_small_ones(self) -> None:
        ordered = sorted(self._counts.items(), key=lambda item: -item[1])
        self._counts = dict(ordered[: _MAX_COUNTED // 2])

    def _sample(self, host: str, url: str) -> None:
        if not self._seen.is_new(hash(url)):
            return
        self._images += 1
        sample = self._samples.get(host)
        if sample is None:
            if len(self._samples) >= _MAX_SAMPLED:
                return
            sample = self._samples[host] = HostSample()
        sample.images += 1
        if len(sample.urls) < self._sample_per_host:
            sample.urls[url] = None
