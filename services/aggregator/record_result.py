"""Recording what the workers report of an image."""

from collections.abc import Sequence

from services.aggregator.host_circuit_breaker import HostCircuitBreaker
from services.aggregator.result_effects import ResultEffects
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import PublicEvent
from shared.contracts.messages import CompressImage, DownloadImage, ImageCompressed, ImageDeferred, ImageFailed, Message
from shared.contracts.states import ImageState
from shared.observability import Metrics
from shared.persistence import ImageRepository


class ResultRecorder:
    """Handles a result: the image's guarded transition, and what follows from it."""

    def __init__(
        self, images: ImageRepository, hosts: HostCircuitBreaker, result_effects: ResultEffects, metrics: Metrics
    ) -> None:
        self._images = images
        self._hosts = hosts
        self._follow_up = result_effects
        self._metrics = metrics

    async def __call__(self, message: ImageCompressed | ImageFailed | ImageDeferred) -> Sequence[Message | PublicEvent]:
        message = await self._hosts.judge(message)
        recorded = await self._images.record(message)
        await self._hosts.recorded(message, recorded.image)
        self._count(message)
        result_key = message.result.key if isinstance(message, ImageCompressed) else None
        return await self._follow_up(recorded, message.original_key, result_key)

    def _count(self, message: ImageCompressed | ImageFailed | ImageDeferred) -> None:
        """Results as they come in; the rare duplicate counts twice."""
        if isinstance(message, ImageCompressed):
            self._metrics.images.labels(outcome="compressed", error_code="none").inc()
            self._metrics.image_bytes_in.inc(message.result.bytes_in)
            self._metrics.image_bytes_out.inc(message.result.bytes_out)
            self._metrics.image_encodes.inc(message.result.encodes)
            if message.result.reused:
                self._metrics.images_reused.labels(kind=message.result.reused).inc()
        elif isinstance(message, ImageFailed):
            self._metrics.images.labels(outcome="failed", error_code=message.error_code.value).inc()


class LostRecorder:
    """Handles a command that no worker could bring to an end and that the broker gave up.

    Without this its image would wait for an answer that never comes; so it is deferred, and fails the second time.
    """

    def __init__(self, images: ImageRepository, result_effects: ResultEffects, metrics: Metrics) -> None:
        self._images = images
        self._follow_up = result_effects
        self._metrics = metrics

    async def __call__(self, message: DownloadImage | CompressImage) -> Sequence[Message | PublicEvent]:
        recorded = await self._images.record_lost(message)
        image = recorded.image
        if image is not None and image.state is ImageState.FAILED and image.error_code is ErrorCode.WORKER_LOST:
            self._metrics.images.labels(outcome="failed", error_code=ErrorCode.WORKER_LOST.value).inc()
        original_key = message.original_key if isinstance(message, CompressImage) else None
        return await self._follow_up(recorded, original_key)
