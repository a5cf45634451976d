"""A worker drops the commands of rounds that were broadcast as cancelled, until they can no longer arrive."""

from collections.abc import Sequence

from shared.contracts.messages import DownloadImage, DropRounds, ImageFailed, RoundToDrop
from shared.messaging import DroppedRounds, Outgoing
from tests.support.builders import an_image
from tests.support.worker_messages import download, failed

ANSWER: ImageFailed = failed(an_image())


def rounds(*names: str, round_: int = 1, seconds: float = 60) -> DropRounds:
    return DropRounds(
        rounds=tuple(RoundToDrop(request_id=name, round=round_, seconds=seconds) for name in names),
    )


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def answer(_: DownloadImage) -> Sequence[Outgoing]:
    return [ANSWER]


async def test_commands_of_a_cancelled_round_have_no_effect_and_all_others_do() -> None:
    dropped = DroppedRounds()
    handle = dropped.dropping(answer)
    command = download(an_image(request_id="a"))
    assert await handle(command) == [ANSWER]
    dropped.add(rounds("a", "b"))
    assert await handle(command) == []
    assert await handle(download(an_image(request_id="a", round=2))) == [ANSWER]
    assert await handle(download(an_image(request_id="c"))) == [ANSWER]


def test_a_round_is_forgotten_when_its_commands_can_no_longer_arrive() -> None:
    clock = _Clock()
    dropped = DroppedRounds(clock)
    dropped.add(rounds("a", seconds=60))
    clock.now = 59
    assert ("a", 1) in dropped
    dropped.add(rounds("b", seconds=60))
    clock.now = 60
    assert ("a", 1) not in dropped
    assert ("b", 1) in dropped
    dropped.add(rounds("b", seconds=60))
    assert len(dropped) == 1
    clock.now = 110
    assert ("b", 1) in dropped, "a repeated broadcast prolongs it"


def test_the_number_of_rounds_is_bounded_and_the_latest_are_kept() -> None:
    dropped = DroppedRounds()
    for number in range(60):
        dropped.add(rounds(*(f"{number}-{each}" for each in range(200))))
    assert len(dropped) == 10_000
    assert ("59-199", 1) in dropped
    assert ("0-0", 1) not in dropped
