"""An image reaches one terminal state per round, whatever the order and number of copies of its messages."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import ImageCompressed, ImageDeferred, ImageFailed
from shared.contracts.records import Image
from shared.contracts.states import ImageState
from shared.losses import MAX_LOSSES, LossPolicy
from shared.persistence import Database
from shared.settings import LossSettings
from tests.contract.conftest import Subject
from tests.support.builders import a_request, an_image
from tests.support.worker_messages import compressed, deferred, download, failed

ATTEMPTS = 4
"""FETCH_ATTEMPTS of the simulated worker: it fails an image instead of deferring it after this attempt."""

LOSSES = LossPolicy(LossSettings(loss_retry_schedule=(0,)), lambda: 0.0)

Answer = ImageCompressed | ImageFailed | ImageDeferred


class RunOutcome(Enum):
    COMPRESSED = auto()
    FAILED = auto()
    DEFERRED = auto()  # because of its host: uses up an attempt
    POSTPONED = auto()  # for another reason: uses up no attempt
    LOST = auto()  # with its worker, and for good with the third


@dataclass(frozen=True)
class Run:
    """One dispatch of the image.

    late: the dispatcher marks the image only after the answer arrived.
    copies: which of the previous answers, counted from the latest, arrive again after this one.
    """

    outcome: RunOutcome
    late: bool
    copies: Sequence[int]


RUNS = st.lists(
    st.builds(Run, st.sampled_from(RunOutcome), st.booleans(), st.lists(st.integers(0, 16), max_size=4)), max_size=8
)
ROUNDS = st.lists(RUNS, min_size=1, max_size=2)
request_ids = (f"shuffled-{number}" for number in itertools.count())


def _answer(image: Image, outcome: RunOutcome) -> Answer:
    """What a worker answers to the next dispatch of `image`."""
    dispatched = replace(image, dispatch=image.dispatch + 1)
    if outcome is RunOutcome.COMPRESSED:
        return compressed(dispatched)
    if outcome is RunOutcome.LOST:
        return LOSSES.answer(download(dispatched, losses=image.losses), ErrorCode.WORKER_LOST, "killed")
    if outcome is RunOutcome.POSTPONED:
        return deferred(dispatched, delay=0, counts=False)
    if outcome is RunOutcome.DEFERRED and image.attempts + 1 < ATTEMPTS:
        return deferred(dispatched, delay=0)
    return failed(dispatched)


async def _record(database: Database, answer: Answer, round_: int) -> None:
    """Record an answer. `round_`: the image's round; an answer to an earlier one must be ignored."""
    recorded = await database.images.record(answer)
    assert (recorded.image is None) == (answer.round < round_)


async def _check_one_terminal_state_per_round(
    database: Database, rounds: Sequence[Sequence[Run]], replay: Sequence[int]
) -> None:
    image = an_image(request_id=next(request_ids))
    await database.requests.insert(a_request(image.request_id, intake_open=False))
    await database.images.insert_many([image])
    answers: list[Answer] = []
    for round_, runs in enumerate(rounds, 1):
        has_failed = (await _stored(database, image)).state is ImageState.FAILED
        moved = sum([some async for some in database.images.retry_failed(image.request_id, round_)])
        assert moved == has_failed
        last = Run(RunOutcome.FAILED if round_ < len(rounds) else RunOutcome.COMPRESSED, late=False, copies=[])
        await _run(database, image.request_id, [*runs, last], answers)
        _check_terminal_state(await _stored(database, image), answers)
        assert await database.images.none_open(image.request_id)
        assert await database.images.due(image.request_id, 10) == []
    ended = await _stored(database, image)
    for back in replay:
        await _record(database, answers[-1 - back % len(answers)], ended.round)
        assert await _stored(database, image) == ended


async def _run(database: Database, request_id: str, runs: Sequence[Run], answers: list[Answer]) -> None:
    """Run dispatches until the image is in a terminal state. Adds to `answers`, and repeats some of them."""
    for run in runs:
        due = await database.images.due(request_id, 10)
        if not due:
            return
        if not run.late:
            await database.images.mark_dispatched(due)
        answers.append(_answer(due[0], run.outcome))
        await _record(database, answers[-1], due[0].round)
        if run.late:
            await database.images.mark_dispatched(due)
        for back in run.copies:
            await _record(database, answers[-1 - back % len(answers)], due[0].round)


async def _stored(database: Database, image: Image) -> Image:
    return (await database.images.find(image.request_id, [image.image_id]))[image.image_id]


def _check_terminal_state(image: Image, answers: Sequence[Answer]) -> None:
    own = [answer for answer in answers if answer.round == image.round]
    counted = [answer for answer in own if isinstance(answer, ImageDeferred) and answer.counts]
    lost = [answer for answer in own if isinstance(answer, ImageDeferred) and answer.lost]
    assert image.state is (ImageState.COMPRESSED if isinstance(own[-1], ImageCompressed) else ImageState.FAILED)
    assert image.ended_at is not None
    assert (image.state is ImageState.COMPRESSED) == (image.result is not None) == (image.error_code is None)
    assert image.attempts == len(counted) + 1
    assert image.attempts <= ATTEMPTS
    assert image.losses == len(lost) < MAX_LOSSES


def _property(examples: int) -> settings:
    # The examples share the subject; each has its own request.
    return settings(
        max_examples=examples, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    )


@pytest.mark.parametrize("location", ["memory"])
@_property(300)
@given(rounds=ROUNDS, replay=st.lists(st.integers(0, 20), max_size=10))
async def test_an_image_reaches_one_terminal_state_per_round_in_memory(
    subject: Subject, rounds: list[list[Run]], replay: list[int]
) -> None:
    await _check_one_terminal_state_per_round(subject.database, rounds, replay)


@_property(40)
@given(rounds=ROUNDS, replay=st.lists(st.integers(0, 20), max_size=10))
async def test_an_image_reaches_one_terminal_state_per_round(
    subject: Subject, rounds: list[list[Run]], replay: list[int]
) -> None:
    await _check_one_terminal_state_per_round(subject.database, rounds, replay)
