"""What the loss of a worker means for its image."""

from typing import Any

import pytest

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressImage, ImageDeferred, ImageFailed
from shared.losses import LossPolicy, SuspectHandler
from shared.settings import LossSettings
from tests.support.builders import an_image
from tests.support.worker_messages import compress, download


def answer(command: Any, random: float = 0.0) -> ImageDeferred | ImageFailed:
    policy = LossPolicy(LossSettings(loss_retry_schedule=(30, 300)), lambda: random)
    return policy.answer(command, ErrorCode.WORKER_LOST, "killed")


@pytest.mark.parametrize("command", [download, compress])
def test_two_losses_defer_the_image_without_using_up_an_attempt_and_the_third_fails_it(command: Any) -> None:
    sent = command(an_image(attempts=5), losses=0)
    for losses, seconds in ((0, 30), (1, 300)):
        deferral = answer(sent.model_copy(update={"losses": losses}))
        assert isinstance(deferral, ImageDeferred)
        assert (deferral.counts, deferral.lost, deferral.host_fault) == (False, True, False)
        assert deferral.delay == seconds

    failure = answer(sent.model_copy(update={"losses": 2}))

    assert isinstance(failure, ImageFailed)
    assert failure.error_detail == "killed; this happened 3 times, 2 of them with no other image"
    assert failure.original_key == (sent.original_key if isinstance(sent, CompressImage) else None)


def test_images_lost_together_are_retried_at_different_times() -> None:
    early, late = answer(download(an_image())), answer(download(an_image()), random=0.9)
    assert isinstance(early, ImageDeferred)
    assert isinstance(late, ImageDeferred)
    assert (late.delay, early.delay) == (57, 30)


async def test_a_command_that_came_back_again_and_again_is_a_loss() -> None:
    handle = SuspectHandler(LossPolicy(LossSettings(), lambda: 0.0))

    [deferral] = await handle(download(an_image()))
    [failure] = await handle(download(an_image(), losses=2))

    assert isinstance(deferral, ImageDeferred)
    assert isinstance(failure, ImageFailed)
    assert deferral.error_code is failure.error_code is ErrorCode.WORKER_LOST
    assert (deferral.counts, deferral.lost) == (False, True)
