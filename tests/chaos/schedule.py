"""The schedule of a run: which fault is injected when. Pure: it follows from the seed alone."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

SHORTEST_GAP = 1.0
LONGEST_GAP = 6.0


@dataclass(frozen=True)
class Kind:
    """A kind of fault as the schedule sees it.

    at_least: a fault of this kind is not begun with fewer seconds left.
    weight: how often it occurs, compared with the others.
    """

    name: str
    at_least: float = 0
    weight: float = 1


@dataclass(frozen=True)
class Injection:
    """A fault of `kind`, injected `at` seconds after the start; `seed` decides its details."""

    at: float
    kind: str
    seed: int


def schedule(seed: int, seconds: float, kinds: Sequence[Kind]) -> list[Injection]:
    """Faults for a run of `seconds`. First each kind once in random order, as far as there is time, then at random."""
    dice = random.Random(seed)
    once = dice.sample(list(kinds), len(kinds))
    injections: list[Injection] = []
    at = SHORTEST_GAP
    while at < seconds:
        left = seconds - at
        possible = [kind for kind in kinds if kind.at_least <= left]
        if not possible:
            break
        first = next((kind for kind in once if kind.at_least <= left), None)
        if first is not None:
            once.remove(first)
        kind = first or dice.choices(possible, [each.weight for each in possible])[0]
        injections.append(Injection(at, kind.name, dice.randrange(2**32)))
        at += dice.uniform(SHORTEST_GAP, LONGEST_GAP)
    return injections
