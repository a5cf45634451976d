"""The report of a run, for the terminal."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.chaos.oracle import Verdict

_SHOWN = 10


@dataclass(frozen=True)
class Figures:
    """What happened in a run. faults: number of injections by kind. ended: copies that ended by themselves."""

    seed: int
    seconds: float
    faults: Mapping[str, int]
    counts: Mapping[str, int]
    ended: Iterable[str]
    notes: Iterable[str]


def report(figures: Figures, verdict: Verdict) -> str:
    return "\n".join(_lines(figures, verdict)) + "\n"


def _lines(figures: Figures, verdict: Verdict) -> Iterator[str]:
    yield f"Chaos run with seed {figures.seed}, {figures.seconds:.0f} s of faults"
    yield ""
    yield f"Faults: {sum(figures.faults.values())}"
    yield from (f"  {count:4}  {kind}" for kind, count in sorted(figures.faults.items()))
    yield ""
    yield from (f"{name}: {count:,}" for name, count in figures.counts.items())
    yield f"lost: {verdict.lost}"
    for title, sentences in (("Ended unexpectedly", figures.ended), ("Notes", figures.notes)):
        listed = list(sentences)
        if listed:
            yield ""
            yield f"{title}:"
            yield from (f"  {sentence}" for sentence in listed[: 3 * _SHOWN])
    yield ""
    for check, failures in verdict.failures.items():
        yield f"  {'FAIL' if failures else 'ok  '}  {check}"
        yield from (f"          {failure}" for failure in failures[:_SHOWN])
        if len(failures) > _SHOWN:
            yield f"          ... and {len(failures) - _SHOWN} more"
    yield ""
    yield f"Verdict: {'everything held' if verdict.held else 'DID NOT HOLD'} (seed {figures.seed})"
