"""Recording what the workers report about an image."""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.aggregator.host_circuit_breaker import HostCircuitBreaker, Result
from services.aggregator.result_effects import ResultEffects
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import PublicEvent
from shared.contracts.messages import (
    CompressImage,
    DownloadImage,
    ImageCompressed,
    ImageFailed,
    Message,
    RecordedResult,
    decoder_ms,
)
from shared.contracts.states import ImageState
from shared.losses import LossPolicy
from shared.observability import Metrics
from shared.persistence import ImageRepository

_MAX_REGISTERED = 1_000  # more than results in progress


class ResultRecorder:
    """Handles a result: makes the image's guarded transition and returns the messages that follow."""

    def __init__(
        self,
        images: ImageRepository,
        hosts: HostCircuitBreaker,
        effects: ResultEffects,
        metrics: Metrics,
        new_deadline: Callable[[], datetime],
        report: Callable[[RecordedResult], object],
    ) -> None:
        """`new_deadline`: of an image whose first try at its host ends now. `report` gets every result, once recorded.

        A result that changes nothing is reported too: the image's run has ended.
        """
        self._images = images
        self._hosts = hosts
        self._effects = effects
        self._metrics = metrics
        self._new_deadline = new_deadline
        self._report = report
        self._registered: dict[int, tuple[Result, Result]] = {}

    async def __call__(self, message: Result) -> Sequence[Message | PublicEvent]:
        received, message = message, await self._register_fault_once(message)
        recorded = await self._images.record(message, deadline=self._new_deadline())
        self._report(_recorded_result(received))
        self._registered.pop(id(received), None)
        await self._hosts.register_success(message, recorded.image)
        if recorded.image is None or recorded.image.state is not ImageState.CANCELLED:
            self._count(message)
        result_key = message.result.key if isinstance(message, ImageCompressed) else None
        return await self._effects(recorded, message.original_key, result_key)

    async def _register_fault_once(self, message: Result) -> Result:
        """The runtime calls again with the same object if the record fails; the host failed only once."""
        known = self._registered.get(id(message))
        if known is not None and known[0] is message:
            return known[1]
        registered = await self._hosts.register_fault(message)
        self._registered[id(message)] = (message, registered)
        if len(self._registered) > _MAX_REGISTERED:
            self._registered.pop(next(iter(self._registered)))
        return registered

    def _count(self, message: Result) -> None:
        """Count results as they arrive; a duplicate, which is rare, counts twice."""
        if isinstance(message, ImageCompressed):
            self._metrics.images.labels(outcome="compressed", error_code="none").inc()
            self._metrics.image_bytes_in.inc(message.result.bytes_in)
            self._metrics.image_bytes_out.inc(message.result.bytes_out)
            self._metrics.image_encodes.inc(message.result.encodes)
            if message.result.reused:
                self._metrics.images_reused.labels(kind=message.result.reused).inc()
        elif isinstance(message, ImageFailed):
            self._metrics.images.labels(outcome="failed", error_code=message.error_code.value).inc()
        elif message.lost:
            self._metrics.worker_losses.labels(error_code=message.error_code.value).inc()


def _recorded_result(result: Result) -> RecordedResult:
    return RecordedResult(
        request_id=result.request_id,
        image_id=result.image_id,
        round=result.round,
        dispatch=result.dispatch,
        decoder_ms=decoder_ms(result),
        compressed=isinstance(result, ImageCompressed),
    )


class LostRecorder:
    """Handles a command that was dead-lettered: no worker reported a result, and the image would wait for ever."""

    def __init__(self, record: ResultRecorder, losses: LossPolicy) -> None:
        self._record = record
        self._losses = losses

    async def __call__(self, message: DownloadImage | CompressImage) -> Sequence[Message | PublicEvent]:
        detail = f"its {type(message).__name__} command was dead-lettered"
        return await self._record(self._losses.answer(message, ErrorCode.WORKER_LOST, detail))
