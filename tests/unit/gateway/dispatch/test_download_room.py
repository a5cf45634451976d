"""Slots of the downloaders, for each request and for hosts on trial."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.dispatch.download_room import TRIAL_SHARE, DownloadRoom
from services.gateway.dispatch.host_rules import HostRulebook, HostRules
from services.gateway.dispatch.in_flight import Flight, Stage
from services.gateway.dispatch.room import Room
from shared.contracts.messages import (
    CompressionsReported,
    DownloadsReported,
    EndedDownload,
    RecordedResult,
    ResultsRecorded,
)
from tests.support.builders import NOW, an_image

TIMEOUT = 16.0
NEWCOMERS_NEED = 5
AT_FIRST = 7.0


@pytest.mark.parametrize(("slots", "alone"), [(1, 1), (4, 3), (16, 12), (128, 96), (500, 375)])
def test_one_request_gets_three_quarters(slots: int, alone: int) -> None:
    assert sent_until_full(slots, 1) == [alone]


@given(slots=st.integers(64, 1000), requests=st.integers(1, 12))
def test_whatever_the_others_occupy_a_newcomer_has_room(slots: int, requests: int) -> None:
    sent = sent_until_full(slots, requests)
    free = slots - sum(sent)
    assert free >= slots // (1 + 3 * requests)
    assert DownloadRoom(slots, {}).has_room(0, free)


def sent_until_full(slots: int, requests: int) -> list[int]:
    """The downloads of requests that each send whenever there is room, in turn."""
    room, sent = DownloadRoom(slots, {}), [0] * requests
    while may_send := [n for n in range(requests) if room.has_room(sent[n], slots - sum(sent))]:
        sent[min(may_send, key=lambda n: sent[n])] += 1
    return sent


@given(
    on_trial=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 100)),
    slots=st.integers(1, 500),
)
def test_downloads_at_hosts_on_trial_keep_no_other_request_from_its_part(on_trial: dict[str, int], slots: int) -> None:
    room = DownloadRoom(slots, on_trial)
    requests = sum(number > 0 for number in on_trial.values())
    for request_id, number in on_trial.items():
        if number < TRIAL_SHARE * slots / (requests + 1) or not number:
            assert room.may_try(request_id)
        elif sum(on_trial.values()) >= TRIAL_SHARE * slots:
            assert not room.may_try(request_id)
    assert room.may_try("new")


@given(slots=st.integers(8, 500))
def test_one_request_gets_nine_sixteenths_for_hosts_on_trial(slots: int) -> None:
    room, sent = DownloadRoom(slots, {}), 0
    while room.may_try("r"):
        room.tried("r")
        sent += 1
    assert sent == pytest.approx(slots * 9 / 16, abs=1)


class Trickling:
    """Requests with one image at each of many hosts, all of which trickle until the download times out."""

    def __init__(self, downloaders: int, requests: int, hosts: int) -> None:
        self.room = Room(HostRulebook(HostRules(8, 64, 0), {}), 500)
        self.requests = [f"trickling-{number}" for number in range(requests)]
        self.room.shares.set_waiting(dict.fromkeys([*self.requests, "new"], "everyone"))
        self._downloaders = downloaders
        self._left = Counter(dict.fromkeys(self.requests, hosts))

    def step(self, now: float) -> None:
        room = self.room
        for number in range(self._downloaders):
            room.take(DownloadsReported(worker=f"d{number}", slots=128), now)
        room.take(CompressionsReported(worker="c", slots=2), now)
        for flight in list(room.in_flight):
            if now - flight.sent_at > TIMEOUT:
                self._time_out(flight, now)
        room.open([], NOW, now)
        for request_id in self.requests:
            while not room.is_full and self._left[request_id] and room.for_request(request_id):
                image = an_image(f"http://{request_id}-{self._left[request_id]}.test/1", request_id)
                if not room.may_try_hosts(request_id):
                    break
                room.send(image, now)
                self._left[request_id] -= 1

    def _time_out(self, flight: Flight, now: float) -> None:
        run: dict[str, Any] = {"request_id": flight.request_id, "image_id": flight.image_id}
        run["round"], run["dispatch"] = flight.run
        ended = EndedDownload(**run, compresses=False, first_byte_ms=5, refused=True)
        self.room.take(DownloadsReported(worker="d0", slots=128, ended=(ended,)), now)
        self.room.take(ResultsRecorded(recorded=(RecordedResult(**run, decoder_ms=0),)), now)


@pytest.mark.parametrize(
    ("downloaders", "requests", "hosts"),
    [(1, 1, 600), (1, 2, 300), (1, 4, 150), (6, 1, 3000), (6, 2, 3000)],
)
def test_hosts_that_trickle_leave_slots_for_newcomers(downloaders: int, requests: int, hosts: int) -> None:
    """At first nothing is late. Then newcomers take turns for what is free; later there is room at any time."""
    trickling = Trickling(downloaders, requests, hosts)
    for number in range(1, 601):
        trickling.step(now := number / 10)
        free = min(downloaders * 128, 500) - trickling.room.in_flight.in_stage(Stage.DOWNLOADING)
        assert free >= NEWCOMERS_NEED
        if now > AT_FIRST:
            assert not trickling.room.is_full
            assert trickling.room.for_request("new")
            assert trickling.room.may_try_hosts("new")
