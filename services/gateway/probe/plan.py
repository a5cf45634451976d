"""Chooses the images of a catalogue that are probed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from services.gateway.catalogue import HostSample

MAX_HOSTS = 50
MAX_IMAGES = 200
_BATCH_SIZE = 5  # a command's reply comes when its slowest URL has answered


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """images_of: how many images each probed host has. host_of: the host of each probed URL.

    batches: the URLs of each command, all at one host.
    """

    images_of: Mapping[str, int]
    host_of: Mapping[str, str]
    batches: Sequence[tuple[str, ...]]


def plan_probe(samples: Mapping[str, HostSample]) -> ProbePlan:
    """Take the sampled URLs of the hosts with the most images: at most MAX_HOSTS hosts and MAX_IMAGES images.

    The batches alternate between hosts, so that replies from many hosts come early.
    """
    host_of: dict[str, str] = {}
    chosen: dict[str, list[tuple[str, ...]]] = {}
    largest_first = sorted(samples, key=lambda host: -samples[host].images)
    for host in largest_first[:MAX_HOSTS]:
        urls = tuple(islice(samples[host].urls, MAX_IMAGES - len(host_of)))
        if urls:
            host_of |= dict.fromkeys(urls, host)
            chosen[host] = [urls[start : start + _BATCH_SIZE] for start in range(0, len(urls), _BATCH_SIZE)]
    longest = max(map(len, chosen.values()), default=0)
    return ProbePlan(
        images_of={host: samples[host].images for host in chosen},
        host_of=host_of,
        batches=[batches[turn] for turn in range(longest) for batches in chosen.values() if turn < len(batches)],
    )
