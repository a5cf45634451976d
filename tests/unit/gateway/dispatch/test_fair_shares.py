"""Fair shares for requests and owners, with a preference for small requests.

Where it does not matter where images wait, each request waits at a place of its own, which has its name.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.dispatch.fair_shares import FairShares


@dataclass(frozen=True)
class Waiting:
    """A request with images that wait. remaining: their number; None for many."""

    owner: str
    remaining: int | None


MANY = Waiting("everyone", None)
COSTS = st.lists(st.floats(1, 1_000), min_size=2, max_size=6)


def always(requests: Iterable[str], waiting: Waiting = MANY) -> dict[str, Waiting]:
    return dict.fromkeys(requests, waiting)


def set_waiting(shares: FairShares[str], waiting: Mapping[str, Waiting]) -> None:
    shares.set_waiting({request_id: each.owner for request_id, each in waiting.items()})
    for request_id, each in waiting.items():
        shares.offer(request_id, each.remaining, {request_id})


def choose(shares: FairShares[str], among: Collection[str]) -> str:
    shares.begin_step(dict.fromkeys(among, 1))
    chosen = shares.choose()
    assert chosen is not None
    return chosen


def serve(shares: FairShares[str], among: Sequence[str], turns: int, cost: Callable[[str], float]) -> dict[str, float]:
    """The cost of each request after so many turns."""
    used: defaultdict[str, float] = defaultdict(float)
    for _ in range(turns):
        chosen = choose(shares, among)
        shares.charge(chosen, cost(chosen))
        used[chosen] += cost(chosen)
    return used


@given(costs=COSTS, turns=st.integers(1, 300))
def test_requests_that_always_wait_use_the_same(costs: list[float], turns: int) -> None:
    requests = [f"request-{number}" for number in range(len(costs))]
    shares = FairShares[str]()
    set_waiting(shares, always(requests))
    used = serve(shares, requests, turns, lambda request: costs[requests.index(request)])
    assert max(used[each] for each in requests) - min(used[each] for each in requests) <= max(costs) + 1e-6


@given(costs=COSTS, small=st.lists(st.integers(1, 5), min_size=1, max_size=200), turns=st.integers(1, 300))
def test_small_requests_leave_each_request_half_of_its_share(costs: list[float], small: list[int], turns: int) -> None:
    """New small requests arrive whenever one has ended; a large one still gets half of 1 / (its number + 1)."""
    large = [f"large-{number}" for number in range(len(costs))]
    shares, arrived = FairShares[str](), 0
    left: dict[str, int] = {}
    used: defaultdict[str, float] = defaultdict(float)
    for _ in range(turns):
        if not left:
            arrived += 1
            left[f"small-{arrived}"] = small[arrived % len(small)]
        set_waiting(shares, always(large) | {each: Waiting("everyone", number) for each, number in left.items()})
        chosen = choose(shares, [*large, *left])
        cost = costs[large.index(chosen)] if chosen in large else costs[arrived % len(costs)]
        shares.charge(chosen, cost)
        used[chosen if chosen in large else "small"] += cost
        if chosen in left:
            left[chosen] -= 1
            left = {each: number for each, number in left.items() if number}
    share = sum(used.values()) / (len(large) + 1)
    assert all(used[each] >= share / 2 - 2 * max(costs) for each in large)


def test_a_small_newcomer_ends_soon_beside_many_requests() -> None:
    shares = FairShares[str]()
    waiting = {f"old-{number:03}": Waiting("everyone", 100) for number in range(200)}
    set_waiting(shares, waiting)
    serve(shares, list(waiting), 1_000, lambda _: 20)
    waiting["new"] = Waiting("everyone", 5)
    set_waiting(shares, waiting)
    assert serve(shares, list(waiting), 12, lambda _: 20)["new"] >= 100


def test_the_smallest_request_ends_before_the_next_begins() -> None:
    shares = FairShares[str]()
    set_waiting(shares, {"a": MANY, "b": Waiting("everyone", 3), "c": Waiting("everyone", 3)})
    order = []
    for _ in range(12):
        shares.charge(chosen := choose(shares, ["a", "b", "c"]), 10)
        order.append(chosen)
    assert order[1:6:2] == ["b", "b", "b"]


@given(requests_of=st.lists(st.integers(1, 20), min_size=2, max_size=5), turns=st.integers(1, 300))
def test_owners_get_equal_shares_however_many_requests_they_have(requests_of: list[int], turns: int) -> None:
    waiting = {
        f"{owner}-{number}": Waiting(f"owner-{owner}", None)
        for owner, numbers in enumerate(requests_of)
        for number in range(numbers)
    }
    shares = FairShares[str]()
    set_waiting(shares, waiting)
    used = serve(shares, list(waiting), turns, lambda _: 10)
    of_owner = dict.fromkeys(range(len(requests_of)), 0.0)
    for request, cost in used.items():
        of_owner[int(request.partition("-")[0])] += cost
    assert max(of_owner.values()) - min(of_owner.values()) <= 10


@pytest.mark.parametrize("owner", ["everyone", "another"])
def test_a_newcomer_has_no_credit_and_no_debt(owner: str) -> None:
    shares = FairShares[str]()
    waiting = always("a")
    set_waiting(shares, waiting)
    serve(shares, ["a"], 100, lambda _: 10)
    set_waiting(shares, waiting | {"b": Waiting(owner, None)})
    used = serve(shares, ["a", "b"], 20, lambda _: 10)
    assert used["a"] == pytest.approx(used["b"], abs=20)


def test_a_request_that_comes_back_has_no_credit_and_keeps_its_debt() -> None:
    shares = FairShares[str]()
    set_waiting(shares, always("ab"))
    serve(shares, ["a", "b"], 20, lambda _: 10)
    set_waiting(shares, always("a"))
    serve(shares, ["a"], 100, lambda _: 10)
    set_waiting(shares, always("ab"))
    used = serve(shares, ["a", "b"], 20, lambda _: 10)
    assert used["a"] == pytest.approx(used["b"], abs=10)
    set_waiting(shares, always("a"))
    shares.correct("b", 500)
    set_waiting(shares, always("ab"))
    used = serve(shares, ["a", "b"], 60, lambda _: 10)
    assert used["a"] - used["b"] == pytest.approx(500, abs=20)


def test_corrections_pay_back() -> None:
    """The images of `a` cost ten times their prediction, those of `b` a tenth; measured costs become equal."""
    shares, used = FairShares[str](), {"a": 0.0, "b": 0.0}
    set_waiting(shares, always("ab"))
    for _ in range(2_000):
        chosen = choose(shares, ["a", "b"])
        shares.charge(chosen, 20)
        actual = {"a": 200, "b": 2}[chosen]
        shares.correct(chosen, actual - 20)
        used[chosen] += actual
    assert used["a"] == pytest.approx(used["b"], abs=400)


def test_a_request_whose_host_had_no_room_catches_up_for_a_second_at_most() -> None:
    shares = FairShares[str]()
    set_waiting(shares, always("ab"))
    serve(shares, ["b"], 1_000, lambda _: 20)
    set_waiting(shares, always("ab"))
    used = serve(shares, ["a", "b"], 1_000, lambda _: 20)
    assert 900 < used["a"] - used["b"] < 1_100


def test_free_images_take_turns_too() -> None:
    shares = FairShares[str]()
    set_waiting(shares, always("ab"))
    chosen = []
    for _ in range(4):
        shares.charge(chosen_now := choose(shares, ["a", "b"]), 0)
        chosen.append(chosen_now)
    assert chosen == ["a", "b", "a", "b"]


def test_a_skipped_request_is_not_chosen_until_the_next_step() -> None:
    shares = FairShares[str]()
    set_waiting(shares, always("ab"))
    shares.begin_step({"a": 1, "b": 1})
    for request in "ab":
        assert shares.choose() == request
        shares.skip(request)
    assert shares.choose() is None
    assert choose(shares, "ab") == "a"


def test_the_smallest_request_is_found_behind_all_others_at_its_host() -> None:
    shares = FairShares[str]()
    shares.set_waiting(dict.fromkeys("abcdef", "everyone"))
    for request in "abcdef":
        shares.offer(request, 2 if request == "f" else 9, {"host"})
    shares.correct("f", 500)
    chosen = []
    for _ in range(2):
        shares.begin_step({"host": 1})
        chosen.append(shares.choose())
        shares.charge(chosen[-1] or "", 10)
        shares.close("host")
    assert chosen == ["a", "f"]


@pytest.mark.parametrize("requests", [100, 10_000])
def test_a_turn_costs_the_same_however_many_requests_wait_at_a_host(requests: int) -> None:
    """At one that is full, and at one that has room for one image."""
    shares = FairShares[str]()
    names = [f"request-{number}" for number in range(requests)]
    shares.set_waiting(dict.fromkeys(names, "everyone"))
    for number, name in enumerate(names):
        shares.offer(name, number % 200 or None, {"full" if number % 2 else "one"})
    began = time.process_time()
    for _ in range(1_000):
        shares.begin_step({"one": 1})
        chosen = shares.choose()
        assert chosen is not None
        shares.charge(chosen, 20)
        shares.close("one")
        assert shares.choose() is None
        assert shares.places() == {"full", "one"}
    assert time.process_time() - began < 1_000 * 200e-6


class Simple:
    """The rule for a choice, applied to all requests anew. What was charged and corrected is that of `shares`."""

    def __init__(self) -> None:
        self.shares = FairShares[str]()
        self.places: dict[str, set[str]] = {}
        self.skipped: set[str] = set()
        self.room: dict[str, int] = {}

    def begin_step(self, room: Mapping[str, int]) -> None:
        self.room, self.skipped = {place: images for place, images in room.items() if images}, set()
        self.shares.begin_step(self.room)

    def choose(self) -> str | None:
        waiting = [
            request
            for request_id, request in self.shares._waiting.items()
            if request_id not in self.skipped and not self.places.get(request_id, set()).isdisjoint(self.room)
        ]
        if not waiting:
            return None
        owner = min((each.owner for each in waiting), key=lambda each: (each.used, each.name))
        own = [each for each in waiting if each.owner is owner]
        small = [(each.remaining, each.used, each.request_id) for each in own if each.remaining is not None]
        if small and owner.small_ahead < 0:
            return min(small)[-1]
        return min((each.used, each.request_id) for each in own)[-1]

    def skip(self, request: str) -> None:
        self.skipped.add(request)
        self.shares.skip(request)

    def send(self, request: str, cost: float, remaining: int | None, places: set[str]) -> None:
        """An image of the request starts at one of its places; then the others wait at `places`."""
        place = min(self.places[request] & self.room.keys())
        self.shares.charge(request, cost)
        self.offer(request, remaining, places)
        self.room[place] -= 1
        if not self.room[place]:
            del self.room[place]
            self.shares.close(place)

    def offer(self, request: str, remaining: int | None, places: set[str]) -> None:
        self.shares.offer(request, remaining, places)
        self.places[request] = places


REQUESTS = st.sampled_from("abcdefgh")
PLACES = st.sets(st.sampled_from("123"), max_size=2)
REMAINING = st.none() | st.integers(0, 5)
COST = st.integers(0, 3)
ROOM = st.dictionaries(st.sampled_from("123"), st.integers(0, 3))
TURNS = st.lists(st.one_of(st.just(("skip",)), st.tuples(st.just("send"), COST, REMAINING, PLACES)), max_size=8)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.dictionaries(REQUESTS, st.sampled_from(["x", "y"]), min_size=1)),
        st.tuples(st.just("offer"), st.lists(st.tuples(REQUESTS, REMAINING, PLACES), max_size=8)),
        st.tuples(st.just("correct"), REQUESTS, st.integers(-3, 3)),
        st.tuples(st.just("step"), ROOM, TURNS),
    ),
    max_size=30,
)


@given(steps=STEPS)
def test_the_choice_is_that_of_the_simple_rule(steps: list[tuple[Any, ...]]) -> None:
    simple, owners = Simple(), dict[str, str]()
    for what, *arguments in steps:
        match what, arguments:
            case "wait", [waiting]:
                owners = {each: owners.get(each, owner) for each, owner in waiting.items()}
                simple.shares.set_waiting(owners)
                simple.places = {each: places for each, places in simple.places.items() if each in owners}
            case "offer", [offers]:
                for request, remaining, places in offers:
                    if request in owners:
                        simple.offer(request, remaining, places)
            case "correct", [request, difference]:
                simple.shares.correct(request, difference)
            case "step", [room, turns]:
                simple.begin_step(room)
                for turn, *how in turns:
                    chosen = simple.shares.choose()
                    assert chosen == simple.choose()
                    if chosen is None:
                        break
                    if turn == "skip":
                        simple.skip(chosen)
                    else:
                        simple.send(chosen, *how)
    assert simple.shares.places() == set().union(*simple.places.values())
