"""Which URLs of a catalogue are looked at to see how it will fare. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_HOSTS = 50
MAX_URLS = 200
_AT_A_TIME = 5  # URLs of one host in a command: the answer to all of them waits for the slowest


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """Up to so many URLs of each host, the largest hosts first. hosts: the slots of those that are looked at."""

    hosts: Mapping[str, int]
    host_of: Mapping[str, str]
    batches: Sequence[tuple[str, ...]]


def plan_probe(hosts: Mapping[str, int], samples: Mapping[str, Sequence[str]]) -> ProbePlan:
    """Of MAX_HOSTS hosts, and MAX_URLS URLs in all. `hosts`: how many slots each has; `samples`: URLs of each.

    The batches take turns by host, so that the answers of many hosts come early.
    """
    host_of: dict[str, str] = {}
    chosen: dict[str, list[tuple[str, ...]]] = {}
    slots = {host: max(hosts.get(host, 0), len(urls)) for host, urls in samples.items()}
    largest_first = sorted(slots, key=lambda host: -slots[host])
    for host in largest_first[:MAX_HOSTS]:
        urls = samples[host][: MAX_URLS - len(host_of)]
        if urls:
            host_of |= dict.fromkeys(urls, host)
            chosen[host] = [tuple(urls[start : start + _AT_A_TIME]) for start in range(0, len(urls), _AT_A_TIME)]
    most = max(map(len, chosen.values()), default=0)
    return ProbePlan(
        hosts={host: slots[host] for host in chosen},
        host_of=host_of,
        batches=[batches[turn] for turn in range(most) for batches in chosen.values() if turn < len(batches)],
    )
