"""What must happen to a request and its images when messages are duplicated, reordered, late or lost. Pure.

It is written from the promises, not from the queries: an image has one outcome in each round, a deferral counts once
and only for the latest run, and a round finishes once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import ImageCompressed, ImageDeferred, ImageFailed
from shared.contracts.records import Image
from shared.contracts.states import ImageState, RequestStatus

Result = ImageCompressed | ImageFailed | ImageDeferred
_RETRIED = (ImageState.FAILED, ImageState.CANCELLED)


@dataclass
class ModelImage:
    """latest: number of the last run that the database knows. answered: of the last one that was deferred."""

    round: int = 1
    outcome: ImageState | None = None
    waits: bool = True
    latest: int = 0
    answered: int = 0
    attempts: int = 0

    @property
    def state(self) -> ImageState:
        if self.outcome is not None:
            return self.outcome
        return ImageState.PENDING if self.waits else ImageState.DISPATCHED

    def marked(self, image: Image) -> None:
        if self.outcome is None and self.waits and (self.round, self.latest) == (image.round, image.dispatch):
            self.waits, self.latest = False, self.latest + 1

    def lost(self) -> None:
        self.waits = True

    def result(self, result: Result) -> None:
        """A result of this round arrives."""
        if self.outcome is not None:
            return
        if isinstance(result, ImageCompressed):
            self.outcome, self.attempts = ImageState.COMPRESSED, result.attempt
        elif isinstance(result, ImageDeferred):
            if self._is_of_the_latest_run(result):
                self.waits, self.latest, self.answered = True, result.dispatch, result.dispatch
                self.attempts += result.counts
        elif self._may_fail(result):
            self.outcome, self.attempts = ImageState.FAILED, result.attempt

    def _may_fail(self, result: ImageFailed) -> bool:
        """A loss counts against the latest run only, any other failure unless its run was deferred."""
        if result.error_code is ErrorCode.WORKER_LOST:
            return self._is_of_the_latest_run(result)
        return result.dispatch > self.answered

    def _is_of_the_latest_run(self, result: Result) -> bool:
        """Whether no later run is known, and this one has not been deferred yet."""
        return result.dispatch >= self.latest and result.dispatch > self.answered

    def moved(self, round_: int) -> None:
        """A retry takes it into its round, unless it succeeded or is there already."""
        if self.outcome in _RETRIED and self.round < round_:
            self.round, self.outcome, self.waits = round_, None, True
            self.latest = self.answered = self.attempts = 0


@dataclass
class ModelRequest:
    images: dict[str, ModelImage]
    status: RequestStatus = RequestStatus.PENDING
    round: int = 1
    intake_open: bool = True
    cancelling: bool = False
    finishes: list[int] = field(default_factory=list)

    @property
    def none_open(self) -> bool:
        return all(image.outcome is not None for image in self.images.values())

    @property
    def may_finish(self) -> bool:
        return self.status is RequestStatus.PENDING and not self.intake_open and self.none_open

    @property
    def waiting(self) -> set[str]:
        return {name for name, image in self.images.items() if image.outcome is None and image.waits}

    def cancel(self) -> bool:
        begins = self.status is RequestStatus.PENDING and not self.cancelling
        self.cancelling = self.cancelling or begins
        return begins

    def cancel_images(self, round_: int) -> int:
        ended = [image for image in self.images.values() if image.outcome is None and image.round == round_]
        for image in ended:
            image.outcome = ImageState.CANCELLED
        return len(ended)

    def close_intake(self, round_: int) -> None:
        if round_ == self.round:
            self.intake_open = False

    def finish(self, round_: int, status: RequestStatus) -> bool:
        """Whether this finish is the one of its round."""
        if round_ != self.round or self.status is not RequestStatus.PENDING or self.intake_open:
            return False
        self.status, self.cancelling = status, False
        self.finishes.append(round_)
        return True

    def retry(self, round_: int) -> bool:
        if round_ != self.round or self.status is RequestStatus.PENDING:
            return False
        self.status, self.round, self.intake_open = RequestStatus.PENDING, self.round + 1, True
        return True

    def move(self, round_: int) -> None:
        for image in self.images.values():
            image.moved(round_)


def outcomes(images: Iterable[tuple[str, ModelImage]]) -> dict[tuple[str, int], ImageState]:
    """The outcomes so far, by image and round."""
    return {(name, image.round): image.outcome for name, image in images if image.outcome is not None}
