"""Images that wait in the dispatcher's memory."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.dispatch.waiting import (
    KEPT_SECONDS,
    LONGEST_PAUSE,
    READ_AGAIN_PER_SECOND,
    UNREAD,
    Queue,
    WaitingImages,
)
from shared.contracts.records import Image
from tests.support.builders import an_image


def images(*hosts: str) -> list[Image]:
    return [replace(an_image(f"http://{host}/{number}.jpg", "r"), position=number) for number, host in enumerate(hosts)]


def waiting_of(found: Iterable[Image], *, is_all: bool = False) -> WaitingImages:
    waiting = WaitingImages()
    waiting.read("r", found, is_all=is_all, now=0)
    return waiting


def everywhere(_: Queue) -> bool:
    return True


def taken(waiting: WaitingImages, *full: str) -> list[int]:
    positions = []
    while image := waiting.take_first("r", lambda queue: queue[0] not in full):
        positions.append(image.position)
    return positions


@given(hosts=st.lists(st.sampled_from("abc"), max_size=30))
def test_images_come_in_the_order_of_the_catalogue(hosts: list[str]) -> None:
    assert taken(waiting_of(images(*hosts))) == list(range(len(hosts)))


@given(hosts=st.lists(st.sampled_from("abc"), max_size=30), full=st.sampled_from("abc"))
def test_a_full_host_delays_only_its_own_images(hosts: list[str], full: str) -> None:
    waiting = waiting_of(images(*hosts))
    others = [number for number, host in enumerate(hosts) if host != full]
    assert taken(waiting, full) == others
    assert taken(waiting) == [number for number, host in enumerate(hosts) if host == full]


def test_images_that_are_processed_alone_wait_in_a_queue_of_their_own() -> None:
    first, second = images("a", "a")
    waiting = waiting_of([replace(first, losses=1), second])
    assert waiting.take_first("r", lambda queue: not queue[1]) == second
    assert waiting.take_first("r", lambda queue: not queue[1]) is None
    assert waiting.places("r", now=0) == {("a", True), UNREAD}


def test_an_image_that_is_read_twice_waits_once() -> None:
    waiting = waiting_of(images("a", "a"))
    waiting.read("r", images("a", "a", "a"), is_all=True, now=1)
    assert waiting.remaining("r") == 3
    assert taken(waiting) == [0, 1, 2]


def test_what_remains_is_known_if_a_query_found_all_images() -> None:
    waiting = WaitingImages()
    assert waiting.remaining("r") is None
    waiting.read("r", images("a", "b"), is_all=True, now=0)
    assert waiting.remaining("r") == 2
    waiting.take_first("r", everywhere)
    assert waiting.remaining("r") == 1
    waiting.added("r")
    assert waiting.remaining("r") is None


def test_while_all_images_are_known_others_are_looked_for_every_two_seconds() -> None:
    """They may become due, or another gateway may add some."""
    waiting = waiting_of(images("a"), is_all=True)
    assert not waiting.may_read("r", now=LONGEST_PAUSE - 1)
    assert waiting.may_read("r", now=LONGEST_PAUSE)
    waiting.read("r", [], is_all=True, now=LONGEST_PAUSE)
    assert not waiting.may_read("r", now=LONGEST_PAUSE + 1)
    waiting.added("r")
    assert waiting.may_read("r", now=1)


def test_queries_that_find_nothing_become_rare() -> None:
    waiting = WaitingImages()
    now, queries = 0.0, 0
    while now < 60:
        if waiting.may_read("r", now):
            waiting.read("r", [], is_all=True, now=now)
            queries += 1
        now += 0.1
    assert 30 <= queries <= 35
    waiting.added("r")
    assert waiting.may_read("r", now)


def test_images_are_read_again_after_a_while_and_forgotten_with_their_request() -> None:
    waiting = waiting_of(images("a", "a"), is_all=True)
    waiting.keep(["r"], KEPT_SECONDS)
    assert waiting.remaining("r") == 2
    waiting.keep(["r"], KEPT_SECONDS + 1)
    assert waiting.may_read("r", KEPT_SECONDS + 1)
    assert taken(waiting) == []
    waiting = waiting_of(images("a"))
    waiting.keep(["other"], 1)
    assert taken(waiting) == []


def test_many_requests_are_read_again_at_a_bounded_rate() -> None:
    requests = [f"request-{number}" for number in range(3_000)]
    waiting, queries = WaitingImages(), 0
    for now in range(120):
        waiting.keep(requests, now)
        while (request := waiting.next_unread()) is not None:
            waiting.read(request, images("a"), is_all=True, now=now)
            queries += 1
    assert len(requests) < queries <= len(requests) + 120 * READ_AGAIN_PER_SECOND


@pytest.mark.parametrize("is_all", [True, False])
def test_requests_that_wait_at_a_full_host_are_looked_at_at_a_bounded_rate(is_all: bool) -> None:
    requests = [f"request-{number}" for number in range(1_000)]
    waiting, queries = WaitingImages(), 0
    for tick in range(240):
        now = tick / 4
        waiting.keep(requests, now)
        while (request := waiting.next_unread()) is not None:
            waiting.read(request, images("a"), is_all=is_all, now=now)
            queries += 1
        for request in requests:
            if waiting.may_read(request, now):
                waiting.read(request, [], is_all=is_all, now=now)
                queries += 1
    assert queries <= 7 * len(requests) + 60 * 2 * READ_AGAIN_PER_SECOND


def test_a_new_request_is_read_before_those_that_are_read_again_and_these_not_all_at_once() -> None:
    requests = [f"request-{number}" for number in range(1_000)]
    waiting = WaitingImages()
    waiting.keep(requests, 0)
    for request in requests:
        waiting.read(request, images("a"), is_all=True, now=0)
    for now in range(1, 11):
        waiting.keep(requests, now)
    waiting.keep([*requests, "z-new"], 11)
    assert waiting.next_unread() == "z-new"
    unread = 0
    while (request_id := waiting.next_unread()) is not None:
        waiting.read(request_id, images("a"), is_all=True, now=11)
        unread += 1
    assert unread <= 1 + READ_AGAIN_PER_SECOND


def test_when_the_images_of_a_host_have_started_more_are_read_at_once() -> None:
    waiting = waiting_of(images("a", "b"))
    for now in (1, 2, 4):
        waiting.read("r", [], is_all=False, now=now)
    assert not waiting.may_read("r", now=4)
    waiting.take_first("r", everywhere)
    assert waiting.may_read("r", now=4)


def test_the_places_of_a_request_are_its_queues_and_whether_more_may_be_read() -> None:
    waiting = waiting_of(images("a", "b"), is_all=True)
    assert waiting.places("r", now=0) == {("a", False), ("b", False)}
    waiting.take_first("r", everywhere)
    assert waiting.places("r", now=0) == {("b", False)}
    waiting.take_first("r", everywhere)
    assert waiting.places("r", now=0) == set()
    assert waiting.places("r", now=1) == {UNREAD}
    assert waiting.places("other", now=1) == {UNREAD}


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.lists(st.sampled_from("abc"), max_size=4), st.booleans()),
        st.tuples(st.just("take"), st.sampled_from("abc")),
        st.tuples(st.just("added")),
        st.tuples(st.just("keep"), st.booleans()),
        st.tuples(st.just("wait"), st.floats(0, 3)),
    ),
    max_size=40,
)


@given(operations=OPERATIONS)
def test_every_change_of_what_waits_is_known(operations: list[tuple[Any, ...]]) -> None:
    """Whoever looks only at the changed requests knows the same as one who looks at all."""
    waiting, now = WaitingImages(), 0.0
    waiting.keep(["r"], now)
    known: tuple[int | None, set[Queue]] = (None, set())
    for what, *arguments in operations:
        match what, arguments:
            case "read", [hosts, is_all]:
                waiting.read("r", images(*hosts), is_all=is_all, now=now)
            case "take", [host]:
                waiting.take_first("r", lambda queue: queue[0] == host)
            case "added", _:
                waiting.added("r")
            case "keep", [is_kept]:
                waiting.keep(["r"] if is_kept else [], now)
                if not is_kept:
                    assert waiting.changed(now) == []
                    waiting.keep(["r"], now)
                    known = (None, set())
            case "wait", [seconds]:
                now += seconds
        for request_id in waiting.changed(now):
            known = (waiting.remaining(request_id), waiting.places(request_id, now))
        assert known == (waiting.remaining("r"), waiting.places("r", now))
