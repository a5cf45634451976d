"""From a few looks at a catalogue's images to what all of them will take. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.error_codes import ERROR_GUIDES, Owner
from shared.contracts.messages import CompressOptions, FetchBounds, ProbedImage

MIN_FOR_A_RANGE = 5
"""Sizes below which nothing is said of how far off their mean may be."""

_STANDARD_ERRORS = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """Bytes. low, high: about 95 in 100 such estimates have the truth in between; None if they rest on too few."""

    low: float | None
    mean: float
    high: float | None

    def times(self, factor: float) -> "Interval":
        low, high = (None if side is None else side * factor for side in (self.low, self.high))
        return Interval(low, self.mean * factor, high)


@dataclass(frozen=True, slots=True)
class ProbeSample:
    """What was seen of a catalogue with `images` distinct URLs.

    hosts: the slots of each host that was looked at; more_slots: those of all other hosts.
    seen: the answers by host. bounds: of the downloader that looked; None if none answered.
    """

    images: int
    hosts: Mapping[str, int]
    more_slots: int
    seen: Mapping[str, Sequence[ProbedImage]]
    bounds: FetchBounds | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """dead_share: of the URLs, those that give no image now. bytes_in: of all that give one.

    bytes_out: what the results have at most; None in modes that aim at no size. seconds: the downloads take at least
    so long with one downloader, most of all because of `slowest_host`. known, sized: how many looks the shares and
    the bytes rest on. Each is None if nothing was seen that tells it.
    """

    dead_share: float | None
    bytes_in: Interval | None
    bytes_out: Interval | None
    seconds: float | None
    slowest_host: str | None
    known: int
    sized: int


def estimate(looks: ProbeSample, options: CompressOptions) -> Estimate:
    """What is to be expected, each host weighing as much as it has slots."""
    dead = _weighted(looks.hosts, looks.seen, _is_dead)
    sizes = _weighted(_living(looks), looks.seen, _size)
    dead_share = _mean(dead) if dead else None
    bytes_in = _extent(sizes).times(looks.images * (1 - (dead_share or 0))) if sizes else None
    seconds, slowest_host = _seconds(looks)
    return Estimate(
        dead_share=dead_share,
        bytes_in=bytes_in,
        bytes_out=bytes_in.times(options.percent / 100) if bytes_in and options.mode == "size" else None,
        seconds=seconds,
        slowest_host=slowest_host,
        known=len(dead),
        sized=len(sizes),
    )


_Seen = Mapping[str, Sequence[ProbedImage]]
_Figure = Callable[[ProbedImage], float | None]
_Sample = Sequence[tuple[float, float]]
"""Figures, each with its weight; the weights are 1 in all."""


def _weighted(weights: Mapping[str, float], seen: _Seen, figure: _Figure) -> _Sample:
    """Of those that have the figure; its host's weight is shared by them."""
    figures = {host: told for host, images in seen.items() if (told := _told(images, figure))}
    total = sum(weights[host] for host in figures)
    return [(value, weights[host] / total / len(told)) for host, told in figures.items() for value in told]


def _told(images: Sequence[ProbedImage], figure: _Figure) -> list[float]:
    return [value for image in images if (value := figure(image)) is not None]


def _living(looks: ProbeSample) -> Mapping[str, float]:
    """The slots of each host that give an image."""
    living = {}
    for host, images in looks.seen.items():
        dead = _told(images, _is_dead)
        living[host] = looks.hosts[host] * (1 - sum(dead) / len(dead)) if dead else 0.0
    return living


def _is_dead(image: ProbedImage) -> float | None:
    if image.content_type is not None:
        return 0.0
    if image.error_code is None or ERROR_GUIDES[image.error_code].owner is Owner.US:
        return None
    return 1.0


def _size(image: ProbedImage) -> float | None:
    return None if image.content_type is None else image.size


def _milliseconds(image: ProbedImage) -> float | None:
    return None if _is_dead(image) is None else image.ms


def _mean(sample: _Sample) -> float:
    return sum(value * weight for value, weight in sample)


def _extent(sample: _Sample) -> Interval:
    """The mean, and two standard errors to either side. The deviations are from the mean of all, not of their host:
    many hosts have a single look, which says nothing of how its images differ."""
    mean, count = _mean(sample), len(sample)
    if count < MIN_FOR_A_RANGE:
        return Interval(None, mean, None)
    variance = sum((weight * (value - mean)) ** 2 for value, weight in sample) * count / (count - 1)
    margin = _STANDARD_ERRORS * math.sqrt(variance)
    return Interval(max(0.0, mean - margin), mean, mean + margin)


def _seconds(looks: ProbeSample) -> tuple[float | None, str | None]:
    """All hosts are asked side by side, each within its bounds, and all of them within those of the downloader."""
    sample = _weighted(looks.hosts, looks.seen, _milliseconds)
    slots = sum(looks.hosts.values()) + looks.more_slots
    if not sample or looks.bounds is None or not slots:
        return None, None
    usual = _mean(sample) / 1000
    images_per_slot = looks.images / slots
    busy = looks.more_slots * images_per_slot * usual
    by_host: dict[str, float] = {}
    for host, host_slots in looks.hosts.items():
        told = _told(looks.seen.get(host, ()), _milliseconds)
        each = sum(told) / len(told) / 1000 if told else usual
        images = host_slots * images_per_slot
        busy += images * each
        by_host[host] = images * max(each / looks.bounds.per_host, 1 / (looks.bounds.per_second or math.inf))
    slowest_host = max(by_host, key=lambda host: by_host[host])
    return max(by_host[slowest_host], busy / looks.bounds.at_once), slowest_host
