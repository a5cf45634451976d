"""Decides what the loss of a worker means for the image that the worker had: retry or fail. Pure.

A worker is lost if its process ends or hangs in the middle of its work. Usually the machine is the cause: it is short
of memory, overloaded, or restarts. So a loss costs no attempt. After it the image is processed alone: its process has
no other work of that kind. Only an image that loses its workers again while it is alone is the cause.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressImage, DownloadImage, ImageDeferred, ImageFailed, Message, about
from shared.settings import LossSettings

MAX_LOSSES = 3
"""The image fails with this loss in a round. It was alone in all of them but the first."""


@dataclass(frozen=True, slots=True)
class LossPolicy:
    """random: returns a number of at least 0 and below 1, for jitter: images lost together get different delays."""

    settings: LossSettings
    random: Callable[[], float]

    def answer(
        self, command: DownloadImage | CompressImage, code: ErrorCode, detail: str
    ) -> ImageDeferred | ImageFailed:
        """The result for the image of `command`, whose worker was lost."""
        original_key = command.original_key if isinstance(command, CompressImage) else None
        losses = command.losses + 1
        if losses >= MAX_LOSSES:
            return ImageFailed(
                **about(command),
                error_code=code,
                error_detail=f"{detail}; this happened {losses} times, {losses - 1} of them with no other image",
                original_key=original_key,
            )
        return ImageDeferred(
            **about(command),
            error_code=code,
            error_detail=detail,
            delay=self.settings.delay_after(losses).total_seconds() * (1 + self.random()),
            counts=False,
            lost=True,
            original_key=original_key,
        )


class SuspectHandler:
    """Handles a command that was returned repeatedly without an answer: its image may have killed workers."""

    def __init__(self, losses: LossPolicy) -> None:
        self._losses = losses

    async def __call__(self, command: DownloadImage | CompressImage) -> Sequence[Message]:
        detail = f"its {type(command).__name__} command was returned repeatedly without an answer"
        return [self._losses.answer(command, ErrorCode.WORKER_LOST, detail)]
