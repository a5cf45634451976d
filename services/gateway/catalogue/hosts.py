"""Counts a catalogue's slots by host and samples URLs, in memory that does not grow with the number of hosts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.gateway.catalogue.counting import DistinctCounter, DistinctSample

MAX_LISTED = 1_000
_MAX_COUNTED = 20_000
_MAX_SAMPLED = 1_000
_MAX_SAMPLED_CHARS = 4_000_000


@dataclass(slots=True)
class HostSample:
    """images: how many distinct URLs a host has, exact or estimated. urls: the first few of them, as the keys."""

    images: int = 0
    urls: dict[str, None] = field(default_factory=dict)


class HostCounts:
    """Counts the slots of each host and keeps the first `sample_per_host` distinct URLs of the first 1,000 hosts.

    If there are too many hosts to count, those with the fewest slots so far are dropped. If the sampled URLs are so
    long that they have more than 4 million characters, further hosts keep their first URL only.
    """

    def __init__(self, sample_per_host: int) -> None:
        self._sample_per_host = sample_per_host
        self._counts: dict[str, int] = {}
        self._distinct = DistinctCounter(pending=1 << 12)
        self._samples: dict[str, dict[str, None]] = {}
        self._sampled_chars = 0
        self._images = DistinctSample()

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

    def samples(self, images: int) -> Mapping[str, HostSample]:
        """The sampled hosts. `images`: distinct URLs of all hosts, which are divided by the hosts' shares.

        The images of each host are exact up to 32,768 distinct URLs of all hosts. Above that they are estimated from
        an even sample of distinct URLs: for a host with 1 % of the images with a standard error of 5 to 8 %, for
        larger hosts with a smaller one.
        """
        counts = self._images.counts()
        total = sum(counts.values())
        return {
            host: HostSample(max(images * counts.get(host, 0) // total, len(urls)), urls)
            for host, urls in self._samples.items()
        }

    def _drop_small_ones(self) -> None:
        ordered = sorted(self._counts.items(), key=lambda item: -item[1])
        self._counts = dict(ordered[: _MAX_COUNTED // 2])

    def _sample(self, host: str, url: str) -> None:
        urls = self._samples.get(host)
        if urls is None and len(self._samples) < _MAX_SAMPLED:
            urls = self._samples[host] = {}
        self._images.add(hash(url), None if urls is None else host)
        if urls is None or len(urls) >= self._sample_per_host or url in urls:
            return
        if not urls or self._sampled_chars <= _MAX_SAMPLED_CHARS:
            urls[url] = None
            self._sampled_chars += len(url)
