"""Estimates what processing a catalogue will take, from the probes of a few of its images. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.error_codes import ERROR_GUIDES, Owner
from shared.contracts.messages import CompressOptions, FetchBounds, ProbedImage

MIN_FOR_INTERVAL = 5
"""With fewer sizes an estimate has no interval, only a mean."""

_STANDARD_ERRORS = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate in bytes. About 95 in 100 times the true value is between low and high; None without enough data."""

    low: float | None
    mean: float
    high: float | None

    def times(self, factor: float) -> "Interval":
        low, high = (None if bound is None else bound * factor for bound in (self.low, self.high))
        return Interval(low, self.mean * factor, high)


@dataclass(frozen=True, slots=True)
class ProbeSample:
    """The probes of a catalogue. An image is a distinct URL that would be fetched, so refused URLs are not counted.

    images_of: how many images each probed host has. more_images: images of all other hosts.
    probed: the replies by host. bounds: of the downloader that replied; None if none did.
    """

    images_of: Mapping[str, int]
    more_images: int
    probed: Mapping[str, Sequence[ProbedImage]]
    bounds: FetchBounds | None

    @property
    def images(self) -> int:
        return sum(self.images_of.values()) + self.more_images


@dataclass(frozen=True, slots=True)
class Estimate:
    """Each figure is None if no probe supports it.

    dead_share: share of the images that cannot be fetched now. bytes_in: of all others.
    bytes_out: upper bound for the results; None in modes without a target size.
    seconds: lower bound for the downloads with one downloader; `slowest_host` takes the longest.
    known: probes that show whether there is an image. sized: those that show its size.
    """

    dead_share: float | None
    bytes_in: Interval | None
    bytes_out: Interval | None
    seconds: float | None
    slowest_host: str | None
    known: int
    sized: int


def estimate(sample: ProbeSample, options: CompressOptions) -> Estimate:
    """Extrapolate from the probes; each host is weighted by its number of images."""
    dead = _weighted(sample.images_of, sample.probed, _is_dead)
    sizes = _weighted(_live_counts(sample), sample.probed, _size)
    dead_share = _mean(dead) if dead else None
    bytes_in = _interval(sizes).times(sample.images * (1 - (dead_share or 0))) if sizes else None
    seconds, slowest_host = _seconds(sample)
    return Estimate(
        dead_share=dead_share,
        bytes_in=bytes_in,
        bytes_out=bytes_in.times(options.percent / 100) if bytes_in and options.mode == "size" else None,
        seconds=seconds,
        slowest_host=slowest_host,
        known=len(dead),
        sized=len(sizes),
    )


_Probed = Mapping[str, Sequence[ProbedImage]]
_Figure = Callable[[ProbedImage], float | None]
_Weighted = Sequence[tuple[float, float]]
"""Values with their weights, which sum to 1."""


def _weighted(weights: Mapping[str, float], probed: _Probed, figure: _Figure) -> _Weighted:
    """The figure of every probe that has one; the probes of a host share its weight."""
    observed = {host: values for host, images in probed.items() if (values := _observed(images, figure))}
    total = sum(weights[host] for host in observed)
    return [(value, weights[host] / total / len(values)) for host, values in observed.items() for value in values]


def _observed(images: Sequence[ProbedImage], figure: _Figure) -> list[float]:
    return [value for image in images if (value := figure(image)) is not None]


def _live_counts(sample: ProbeSample) -> Mapping[str, float]:
    """How many images of each host can be fetched."""
    live = {}
    for host, images in sample.probed.items():
        dead = _observed(images, _is_dead)
        live[host] = sample.images_of[host] * (1 - sum(dead) / len(dead)) if dead else 0.0
    return live


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


def _mean(values: _Weighted) -> float:
    return sum(value * weight for value, weight in values)


def _interval(values: _Weighted) -> Interval:
    """The mean plus and minus two standard errors.

    Deviations are from the overall mean, not from each host's: many hosts have one probe, which shows no deviation.
    """
    mean, count = _mean(values), len(values)
    if count < MIN_FOR_INTERVAL:
        return Interval(None, mean, None)
    variance = sum((weight * (value - mean)) ** 2 for value, weight in values) * count / (count - 1)
    margin = _STANDARD_ERRORS * math.sqrt(variance)
    return Interval(max(0.0, mean - margin), mean, mean + margin)


def _seconds(sample: ProbeSample) -> tuple[float | None, str | None]:
    """Hosts are downloaded in parallel, each within its own bounds, and all within those of the downloader."""
    usual = _weighted(sample.images_of, sample.probed, _milliseconds)
    if not usual or sample.bounds is None or not sample.images:
        return None, None
    usual_seconds = _mean(usual) / 1000
    busy = sample.more_images * usual_seconds
    by_host: dict[str, float] = {}
    for host, images in sample.images_of.items():
        observed = _observed(sample.probed.get(host, ()), _milliseconds)
        each = sum(observed) / len(observed) / 1000 if observed else usual_seconds
        busy += images * each
        by_host[host] = images * max(each / sample.bounds.per_host, 1 / (sample.bounds.per_second or math.inf))
    slowest_host = max(by_host, key=lambda host: by_host[host])
    return max(by_host[slowest_host], busy / sample.bounds.at_once), slowest_host
