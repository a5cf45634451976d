"""What the dispatcher believes to be in flight."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.dispatch.in_flight import Flight, InFlight, Run, Stage


def a_flight(image_id: str = "i", *, run: Run = (1, 1), host: str = "a", request_id: str = "r") -> Flight:
    return Flight(request_id, image_id, run, host, alone=False, sent_at=0)


def in_flight(*flights: Flight) -> InFlight:
    tracked = InFlight()
    for flight in flights:
        tracked.add(flight)
    return tracked


def test_a_host_has_its_slot_back_when_its_download_ends() -> None:
    tracked = in_flight(a_flight("1"), a_flight("2"))
    assert (tracked.downloading_at("a"), tracked.at("a")) == (2, 2)
    tracked.enter(Stage.COMPRESSING, ("r", "1"), (1, 1), 5)
    assert (tracked.downloading_at("a"), tracked.at("a")) == (1, 2)
    tracked.remove(("r", "1"))
    assert (tracked.downloading_at("a"), tracked.at("a")) == (1, 1)


def test_reports_about_other_runs_and_late_reports_change_nothing() -> None:
    tracked = in_flight(a_flight(run=(1, 2)))
    assert tracked.enter(Stage.COMPRESSING, ("r", "i"), (1, 1), 5) is None
    assert tracked.enter(Stage.COMPRESSING, ("r", "unknown"), (1, 2), 5) is None
    assert tracked.enter(Stage.SLOW, ("r", "i"), (1, 2), 5) is not None
    assert tracked.enter(Stage.COMPRESSING, ("r", "i"), (1, 2), 5) is None, "it overtook the report of the download"
    assert tracked.in_stage(Stage.SLOW) == 1


def test_a_report_of_the_last_round_changes_nothing_in_this_one() -> None:
    """A retry counts the dispatches from one again."""
    tracked = in_flight(a_flight(run=(2, 1)))
    assert tracked.enter(Stage.ANSWERED, ("r", "i"), (1, 1), 5) is None
    assert tracked.get(("r", "i"), (1, 1)) is None
    tracked.reconcile([a_flight(run=(1, 7))])
    assert [flight.run for flight in tracked] == [(2, 1)]
    tracked.reconcile([a_flight(run=(3, 1))])
    assert [flight.run for flight in tracked] == [(3, 1)]


def test_the_end_of_a_download_is_known_from_the_first_report_about_it() -> None:
    tracked = in_flight(a_flight("1"), a_flight("2"))
    for stage, now in ((Stage.COMPRESSING, 3), (Stage.SLOW, 7)):
        tracked.enter(stage, ("r", "1"), (1, 1), now)
    assert [flight.downloaded_at for flight in tracked] == [None, 3]


def test_a_further_run_replaces_the_last_one() -> None:
    tracked = in_flight(a_flight(), a_flight(run=(1, 2)))
    assert len(tracked) == 1
    assert tracked.get(("r", "i"), (1, 1)) is None


def test_the_database_corrects_what_reports_did_not_say() -> None:
    lost = a_flight("lost")
    tracked = in_flight(lost, a_flight("known"), a_flight("again"))
    foreign = a_flight("foreign", host="b")
    ended = tracked.reconcile([a_flight("known"), a_flight("again", run=(1, 2)), foreign])
    assert ended == [lost]
    assert {(flight.image_id, *flight.run) for flight in tracked} == {
        ("known", 1, 1), ("again", 1, 2), ("foreign", 1, 1),
    }  # fmt: skip
    assert tracked.at("b") == 1


def test_a_run_that_ended_while_the_database_was_read_is_not_taken_over() -> None:
    tracked = in_flight(a_flight("ended"), a_flight("again"))
    tracked.remove(("r", "ended"))
    tracked.remove(("r", "again"))
    dispatched = [a_flight("ended"), a_flight("again", run=(1, 2))]
    assert tracked.reconcile(dispatched) == []
    assert [flight.run for flight in tracked] == [(1, 2)]
    tracked.remove(("r", "again"))
    tracked.add(a_flight("again", run=(1, 3)))
    assert tracked.reconcile(dispatched) == []
    assert {flight.run for flight in tracked} == {(1, 1), (1, 3)}


@given(
    steps=st.lists(
        st.tuples(st.sampled_from("ari"), st.sampled_from("123"), st.sampled_from("ab"), st.sampled_from(list(Stage))),
        max_size=60,
    )
)
def test_the_counts_are_those_of_the_flights(steps: list[tuple[str, str, str, Stage]]) -> None:
    tracked = InFlight()
    for step, image_id, host, stage in steps:
        if step == "a":
            tracked.add(replace(a_flight(image_id, host=host), alone=image_id == "1"))
        elif step == "r":
            tracked.remove(("r", image_id))
        else:
            tracked.enter(stage, ("r", image_id), (1, 1), 5)
    flights = list(tracked)
    assert len(tracked) == len(flights)
    assert set(tracked.hosts()) == {flight.host for flight in flights}
    assert tracked.alone == sum(flight.alone for flight in flights)
    for host in "ab":
        at_host = [flight for flight in flights if flight.host == host]
        assert tracked.at(host) == len(at_host)
        assert tracked.downloading_at(host) == sum(flight.stage is Stage.DOWNLOADING for flight in at_host)
    stages = {stage: sum(flight.stage is stage for flight in flights) for stage in Stage}
    assert {stage: tracked.in_stage(stage) for stage in Stage} == stages
    of_request = tracked.by_request().get("r", {})
    assert {stage: of_request.get(stage, 0) for stage in Stage} == stages
