"""Fair shares for requests and owners, with a preference for small requests."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.dispatch.fair_shares import FairShares, Waiting

MANY = Waiting("everyone", None)
COSTS = st.lists(st.floats(1, 1_000), min_size=2, max_size=6)


def always(requests: Iterable[str], waiting: Waiting = MANY) -> dict[str, Waiting]:
    return dict.fromkeys(requests, waiting)


def serve(shares: FairShares, among: Sequence[str], turns: int, cost: Callable[[str], float]) -> dict[str, float]:
    """The cost of each request after so many turns."""
    used: defaultdict[str, float] = defaultdict(float)
    for _ in range(turns):
        chosen = shares.choose(among)
        shares.charge(chosen, cost(chosen))
        used[chosen] += cost(chosen)
    return used


@given(costs=COSTS, turns=st.integers(1, 300))
def test_requests_that_always_wait_use_the_same(costs: list[float], turns: int) -> None:
    requests = [f"request-{number}" for number in range(len(costs))]
    shares = FairShares()
    shares.set_waiting(always(requests))
    used = serve(shares, requests, turns, lambda request: costs[requests.index(request)])
    assert max(used[each] for each in requests) - min(used[each] for each in requests) <= max(costs) + 1e-6


@given(costs=COSTS, small=st.lists(st.integers(1, 5), min_size=1, max_size=200), turns=st.integers(1, 300))
def test_small_requests_leave_each_request_half_of_its_share(costs: list[float], small: list[int], turns: int) -> None:
    """New small requests arrive whenever one has ended; a large one still gets half of 1 / (its number + 1)."""
    large = [f"large-{number}" for number in range(len(costs))]
    shares, arrived = FairShares(), 0
    left: dict[str, int] = {}
    used: defaultdict[str, float] = defaultdict(float)
    for _ in range(turns):
        if not left:
            arrived += 1
            left[f"small-{arrived}"] = small[arrived % len(small)]
        shares.set_waiting(always(large) | {each: Waiting("everyone", number) for each, number in left.items()})
        chosen = shares.choose([*large, *left])
        cost = costs[large.index(chosen)] if chosen in large else costs[arrived % len(costs)]
        shares.charge(chosen, cost)
        used[chosen if chosen in large else "small"] += cost
        if chosen in left:
            left[chosen] -= 1
            left = {each: number for each, number in left.items() if number}
    share = sum(used.values()) / (len(large) + 1)
    assert all(used[each] >= share / 2 - 2 * max(costs) for each in large)


def test_a_small_newcomer_ends_soon_beside_many_requests() -> None:
    shares = FairShares()
    waiting = {f"old-{number:03}": Waiting("everyone", 100) for number in range(200)}
    shares.set_waiting(waiting)
    serve(shares, list(waiting), 1_000, lambda _: 20)
    waiting["new"] = Waiting("everyone", 5)
    shares.set_waiting(waiting)
    assert serve(shares, list(waiting), 12, lambda _: 20)["new"] >= 100


def test_the_smallest_request_ends_before_the_next_begins() -> None:
    shares = FairShares()
    shares.set_waiting({"a": MANY, "b": Waiting("everyone", 3), "c": Waiting("everyone", 3)})
    order = []
    for _ in range(12):
        shares.charge(chosen := shares.choose(["a", "b", "c"]), 10)
        order.append(chosen)
    assert order[1:6:2] == ["b", "b", "b"]


@given(requests_of=st.lists(st.integers(1, 20), min_size=2, max_size=5), turns=st.integers(1, 300))
def test_owners_get_equal_shares_however_many_requests_they_have(requests_of: list[int], turns: int) -> None:
    waiting = {
        f"{owner}-{number}": Waiting(f"owner-{owner}", None)
        for owner, numbers in enumerate(requests_of)
        for number in range(numbers)
    }
    shares = FairShares()
    shares.set_waiting(waiting)
    used = serve(shares, list(waiting), turns, lambda _: 10)
    of_owner = dict.fromkeys(range(len(requests_of)), 0.0)
    for request, cost in used.items():
        of_owner[int(request.partition("-")[0])] += cost
    assert max(of_owner.values()) - min(of_owner.values()) <= 10


@pytest.mark.parametrize("owner", ["everyone", "another"])
def test_a_newcomer_has_no_credit_and_no_debt(owner: str) -> None:
    shares = FairShares()
    waiting = always("a")
    shares.set_waiting(waiting)
    serve(shares, ["a"], 100, lambda _: 10)
    shares.set_waiting(waiting | {"b": Waiting(owner, None)})
    used = serve(shares, ["a", "b"], 20, lambda _: 10)
    assert used["a"] == pytest.approx(used["b"], abs=20)


def test_a_request_that_comes_back_has_no_credit_and_keeps_its_debt() -> None:
    shares = FairShares()
    shares.set_waiting(always("ab"))
    serve(shares, ["a", "b"], 20, lambda _: 10)
    shares.set_waiting(always("a"))
    serve(shares, ["a"], 100, lambda _: 10)
    shares.set_waiting(always("ab"))
    used = serve(shares, ["a", "b"], 20, lambda _: 10)
    assert used["a"] == pytest.approx(used["b"], abs=10)
    shares.set_waiting(always("a"))
    shares.correct("b", 500)
    shares.set_waiting(always("ab"))
    used = serve(shares, ["a", "b"], 60, lambda _: 10)
    assert used["a"] - used["b"] == pytest.approx(500, abs=20)


def test_corrections_pay_back() -> None:
    """The images of `a` cost ten times their prediction, those of `b` a tenth; measured costs become equal."""
    shares, used = FairShares(), {"a": 0.0, "b": 0.0}
    shares.set_waiting(always("ab"))
    for _ in range(2_000):
        chosen = shares.choose(["a", "b"])
        shares.charge(chosen, 20)
        actual = {"a": 200, "b": 2}[chosen]
        shares.correct(chosen, actual - 20)
        used[chosen] += actual
    assert used["a"] == pytest.approx(used["b"], abs=400)


def test_a_request_whose_host_had_no_room_catches_up_for_a_second_at_most() -> None:
    shares = FairShares()
    shares.set_waiting(always("ab"))
    serve(shares, ["b"], 1_000, lambda _: 20)
    shares.set_waiting(always("ab"))
    used = serve(shares, ["a", "b"], 1_000, lambda _: 20)
    assert 900 < used["a"] - used["b"] < 1_100


def test_free_images_take_turns_too() -> None:
    shares = FairShares()
    shares.set_waiting(always("ab"))
    chosen = []
    for _ in range(4):
        shares.charge(chosen_now := shares.choose(["a", "b"]), 0)
        chosen.append(chosen_now)
    assert chosen == ["a", "b", "a", "b"]


@pytest.mark.parametrize("requests", [500, 10_000])
def test_a_step_in_which_no_request_can_send_costs_microseconds_for_each(requests: int) -> None:
    waiting = {f"request-{number}": Waiting("everyone", number % 200 or None) for number in range(requests)}
    shares = FairShares()
    shares.set_waiting(waiting)
    durations = []
    for _ in range(3):
        candidates = set(waiting)
        began = time.process_time()
        shares.set_waiting(waiting)
        while candidates:
            candidates.discard(shares.choose(candidates))
        durations.append(time.process_time() - began)
    assert min(durations) < requests * 50e-6
