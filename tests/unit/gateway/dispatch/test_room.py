"""Where there is room: what reports and the database change."""

from dataclasses import replace
from typing import Any

import pytest

from services.gateway.dispatch.host_rules import HostRulebook, HostRules
from services.gateway.dispatch.in_flight import Flight, Stage
from services.gateway.dispatch.room import Room
from shared.contracts.messages import (
    CompressionsReported,
    DownloadsReported,
    EndedDownload,
    RecordedResult,
    ReportedImage,
    ResultsRecorded,
)
from shared.contracts.records import Image
from tests.support.builders import NOW, an_image

QUEUE = ("a.test", False)


def a_room(*, start: int = 4, maximum: int = 8, window: int = 100) -> Room:
    room = Room(HostRulebook(HostRules(start, maximum, 0), {}), window)
    room.take(DownloadsReported(worker="d", slots=16), 0)
    room.take(CompressionsReported(worker="c", slots=4), 0)
    room.shares.set_waiting(dict.fromkeys(("r", "other"), "o"))
    for request_id in ("r", "other"):
        room.shares.offer(request_id, None, {QUEUE})
    room.open([], NOW, 0)
    return room


def image(number: int, request_id: str = "r") -> Image:
    return an_image(f"http://a.test/{number}", request_id)


def send(room: Room, *images: Image, now: float = 0) -> None:
    for each in images:
        room.send(each, now)


def about(image: Image) -> dict[str, Any]:
    return {
        "request_id": image.request_id,
        "image_id": image.image_id,
        "round": image.round,
        "dispatch": image.dispatch + 1,
    }


def ended(*images: Image, **changes: Any) -> DownloadsReported:
    fields = {"compresses": True, "first_byte_ms": 10} | changes
    return DownloadsReported(
        worker="d", slots=16, ended=tuple(EndedDownload(**about(each), **fields) for each in images)
    )


def recorded(*images: Image, decoder_ms: int = 20) -> ResultsRecorded:
    return ResultsRecorded(recorded=tuple(RecordedResult(**about(each), decoder_ms=decoder_ms) for each in images))


def test_a_host_has_room_again_when_a_download_ends_and_more_when_it_is_healthy() -> None:
    room, images = a_room(), [image(number) for number in range(4)]
    send(room, *images)
    assert not room.at_host("a.test", 0)
    assert room.full_hosts(0) == ["a.test"]
    room.take(ended(*images[:2]), 1)
    send(room, *(image(number) for number in range(4, 8)), now=1)
    assert room.in_flight.downloading_at("a.test") == 6
    assert not room.at_host("a.test", 1), "the limit has grown by two"


def test_a_refusal_halves_what_the_host_gets() -> None:
    room, images = a_room(), [image(number) for number in range(4)]
    send(room, *images)
    room.take(ended(images[0], refused=True, compresses=False, first_byte_ms=None), 1)
    room.take(ended(images[1]), 1)
    assert not room.at_host("a.test", 1), "two of two are still there"


def test_the_downloaders_have_room_for_as_many_as_they_report_and_no_request_takes_all() -> None:
    room = a_room(start=100, maximum=100)
    send(room, *(image(number) for number in range(12)))
    assert not room.for_request("r")
    assert room.for_request("other")
    assert not room.is_full
    send(room, *(image(number, "other") for number in range(4)))
    assert room.is_full


def test_the_window_bounds_all() -> None:
    room = a_room(start=100, maximum=100, window=3)
    send(room, *(image(number) for number in range(3)))
    assert room.is_full


def test_slow_pictures_leave_the_queue_of_the_compressors() -> None:
    room, first = a_room(), image(1)
    send(room, first)
    room.take(ended(first), 1)
    room.take(CompressionsReported(worker="c", slots=4, slow=(ReportedImage(**about(first)),)), 2)
    assert room.in_flight.in_stage(Stage.SLOW) == 1
    room.take(recorded(first), 3)
    assert len(room.in_flight) == 0
    assert room.ended == 1


def test_a_request_that_cost_more_than_predicted_pays_for_it() -> None:
    room, dear, cheap = a_room(), image(1), image(1, "other")
    send(room, dear, cheap)
    room.take(recorded(dear, decoder_ms=5_000), 1)
    room.take(recorded(cheap, decoder_ms=10), 1)
    room.shares.begin_step({QUEUE: 1})
    assert room.shares.choose() == "other"


@pytest.mark.parametrize(("compressed", "decoder_ms", "then"), [(True, 40, 40), (True, 0, 0), (False, 0, 50)])
def test_predictions_follow_only_images_that_were_compressed(compressed: bool, decoder_ms: int, then: float) -> None:
    room, missing = a_room(), image(1)
    send(room, missing)
    room.take(ended(missing, compresses=bool(decoder_ms)), 1)
    run = about(missing)
    room.take(ResultsRecorded(recorded=(RecordedResult(**run, decoder_ms=decoder_ms, compressed=compressed),)), 1)
    assert room._decoder.predicted_ms("r") == then


def test_time_in_front_of_a_compressor_costs_nothing() -> None:
    room, first = a_room(), image(1)
    room.take(DownloadsReported(worker="d", slots=64), 0)
    send(room, first, now=0)
    room.take(ended(first), 0.25)
    for now in (5, 10, 20):
        room.take(DownloadsReported(worker="d", slots=64), now)
        room.take(CompressionsReported(worker="c", slots=4), now)
    waiting = room.shares._waiting["r"]
    room.take(recorded(first, decoder_ms=10), 20)
    assert waiting.used == pytest.approx(250 * 4 / 64)


def test_reports_of_other_runs_and_unknown_images_change_nothing() -> None:
    room, first = a_room(), image(1)
    send(room, first)
    again = replace(first, dispatch=3)
    room.take(ended(again), 1)
    room.take(recorded(again, image(9), replace(first, round=2)), 1)
    assert room.in_flight.in_stage(Stage.DOWNLOADING) == 1


def test_the_database_ends_flights_that_no_report_ended() -> None:
    room, lost, known = a_room(), image(1), image(2)
    send(room, lost, known)
    room.reconcile([Flight("r", known.image_id, (1, 1), "a.test", alone=False, sent_at=0)])
    assert room.in_flight.at("a.test") == 1
    assert room.ended == 1


def test_what_was_not_sent_gives_its_room_back() -> None:
    room = a_room(start=1, maximum=1)
    flight = room.send(image(1), 0)
    assert not room.at_host("a.test", 0)
    room.not_sent(flight)
    assert room.at_host("a.test", 0)


def test_long_downloads_do_not_keep_a_request_from_trying_others() -> None:
    """A request of unproven pictures has ten in flight; those that arrive late threaten no compressor now."""
    room = a_room(start=100, maximum=100)
    send(room, *(image(number) for number in range(10)))
    assert not room.for_request("r")
    room.open([], NOW, 2)
    assert room.for_request("r")


@pytest.mark.parametrize("now", [4.0, 6.0])
def test_workers_that_no_longer_report_have_no_known_room(now: float) -> None:
    room = a_room(start=100, maximum=100)
    room.open([], NOW, now)
    send(room, *(image(number) for number in range(16)), now=now)
    assert room.is_full is (now < 5)


def test_hosts_that_are_not_known_to_be_prompt_leave_places_to_those_that_are() -> None:
    """Also within one request: otherwise its good hosts wait until the downloads of the others time out."""
    room = a_room()
    send(room, image(1))
    room.take(ended(image(1)), 0.1)
    unknown = [an_image(f"http://hangs-{number}.test/1", "r") for number in range(9)]
    room.open([], NOW, 0.2)
    send(room, *unknown[:8], now=0.2)
    assert room.may_try_hosts("r")
    send(room, unknown[8], now=0.2)
    assert not room.may_try_hosts("r")
    assert room.may_try_hosts("other")
    room.open([], NOW, 0.3)
    assert not room.may_try_hosts("r")
    assert room.is_prompt("a.test")
    assert not room.is_prompt("hangs-1.test")
    room.take(ended(*unknown[:3], compresses=False, first_byte_ms=None, refused=True), 15)
    room.open([], NOW, 15)
    assert room.may_try_hosts("r")
    assert not room.is_prompt("hangs-1.test")


def test_a_host_is_on_trial_as_soon_as_most_of_its_downloads_take_long() -> None:
    room = a_room()
    send(room, image(1))
    room.take(ended(image(1)), 0.1)
    send(room, image(2), now=0.2)
    room.open([], NOW, 2.1)
    assert room.is_prompt("a.test")
    room.open([], NOW, 2.3)
    assert not room.is_prompt("a.test")
    send(room, image(3), image(4), now=2.3)
    room.open([], NOW, 2.3)
    assert room.is_prompt("a.test"), "two of three have just begun"


@pytest.mark.parametrize(
    ("seconds", "changes", "is_prompt"),
    [
        (0.1, {"refused": True}, True),
        (0.1, {"first_byte_ms": None}, False),
        (3, {}, False),
    ],
)
def test_a_host_is_prompt_after_a_quick_answer(seconds: float, changes: dict[str, Any], is_prompt: bool) -> None:
    room = a_room()
    send(room, image(1))
    room.take(ended(image(1), compresses=False, **changes), seconds)
    assert room.is_prompt("a.test") is is_prompt


def test_what_was_taken_over_from_the_database_is_not_on_trial() -> None:
    """Its download may have ended long ago."""
    room = a_room()
    known = [Flight("r", f"image-{number}", (1, 1), "a.test", False, 0, taken_over=True) for number in range(9)]
    room.reconcile(known)
    room.open([], NOW, 60)
    assert room.may_try_hosts("r")
