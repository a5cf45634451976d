"""Whether the compressors have room for another image of a request. Pure.

By Little's law (work in a system = rate x time in it), compressors with `slots` processes stay busy if the images in
flight mean `slots * (download time + queueing time)` seconds of work. More would only wait in front of the compressors,
and newcomers behind it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

QUEUE_SECONDS = 0.5
"""The compressors work off in this time what waits for them. It bridges the delay of reports and the variance of
arrivals; a newcomer waits behind it."""
SLOW_MS = 1_000
"""An image that takes longer is slow. It counts as this in a queue, because it leaves for the slow lane soon after."""
UNKNOWN_MS = 50.0
"""Prediction before the first result of any request: a usual photograph."""
PREDICTION_WEIGHT = 0.25
"""Of a new result in a prediction, so that it follows a change within a catalogue in some images."""
MAX_WINDOW = 512
"""Images of one request in flight. From there, seven slow results lead to the least window."""
UNKNOWN_SLOTS = 2
"""Until a compressor reports."""


@dataclass(frozen=True, slots=True)
class StageCounts:
    """The images of a request in flight."""

    downloading: int
    """Dispatched, and not yet sent to a compressor."""
    compressing: int
    """Sent to a compressor, and not yet ended or in the slow lane."""


@dataclass(slots=True)
class _Request:
    window: int
    predicted_ms: float | None = None


class _Budget:
    """Milliseconds of predicted work in one stage."""

    def __init__(self, milliseconds: float, least_images: int) -> None:
        self._milliseconds = milliseconds
        self._least_images = least_images
        self._images = 0
        self._of: dict[str, float] = {}
        self._used = 0.0
        """Each request counts at most half of the budget here, so that one cannot keep the others out."""

    def add(self, request_id: str, images: int, image_ms: float) -> None:
        before = self._of.get(request_id, 0.0)
        after = self._of[request_id] = before + images * min(image_ms, SLOW_MS)
        self._used += self._counted(after) - self._counted(before)
        self._images += images

    def has_room(self, request_id: str) -> bool:
        own = self._of.get(request_id, 0.0)
        used = self._used - self._counted(own) + own
        return self._images < self._least_images or used < self._milliseconds

    def has_share(self, request_id: str, image_ms: float) -> bool:
        """Whether one more image is within half of an equal share."""
        own = self._of.get(request_id, 0.0)
        sharers = len(self._of) + (request_id not in self._of)
        return own + image_ms <= self._milliseconds / 2 / sharers

    def _counted(self, milliseconds: float) -> float:
        return min(milliseconds, self._milliseconds / 2)


class StepRoom:
    """The room in one step of the dispatcher; it shrinks with each image that is sent."""

    def __init__(self, room: "DecoderRoom", counts: Mapping[str, StageCounts], slots: int, download_seconds: float):
        self._room = room
        self._slots = slots
        self._in_flight = {request_id: each.downloading + each.compressing for request_id, each in counts.items()}
        queue_ms = slots * QUEUE_SECONDS * 1000
        self._queue = _Budget(queue_ms, _first_window(slots))
        self._flight = _Budget(queue_ms + slots * download_seconds * 1000, _first_window(slots))
        for request_id, each in counts.items():
            image_ms = room.predicted_ms(request_id)
            self._queue.add(request_id, each.compressing, image_ms)
            self._flight.add(request_id, each.downloading + each.compressing, image_ms)

    def has_room(self, request_id: str) -> bool:
        """Whether one more image of the request may start."""
        if self._in_flight.get(request_id, 0) >= self._room.window(request_id, self._slots):
            return False
        if not self._slots:
            return True
        image_ms = self._room.predicted_ms(request_id)
        return self._queue.has_room(request_id) and (
            # Downloads that take long keep their part of the flight for long; beside them each request has a share.
            self._flight.has_room(request_id) or self._flight.has_share(request_id, image_ms)
        )

    def sent(self, request_id: str) -> None:
        """An image of the request starts."""
        self._in_flight[request_id] = self._in_flight.get(request_id, 0) + 1
        self._flight.add(request_id, 1, self._room.predicted_ms(request_id))


class DecoderRoom:
    """Predicts the compressors' work from results, and says what they have room for.

    `slots`: the compressors' worker processes together; 0 if none has reported.
    """

    def __init__(self) -> None:
        self._requests: dict[str, _Request] = {}
        self._any_ms = UNKNOWN_MS

    def predicted_ms(self, request_id: str) -> float:
        """Milliseconds of a worker process that the request's next image will probably use."""
        known = self._requests.get(request_id)
        if known is None or known.predicted_ms is None:
            return min(self._any_ms, SLOW_MS)
        return known.predicted_ms

    def answered(self, request_id: str, decoder_ms: int, slots: int) -> None:
        """An image of the request has ended and used so many milliseconds of a worker process."""
        known = self._requests.get(request_id)
        if known is None:
            known = self._requests[request_id] = _Request(_first_window(slots))
        known.predicted_ms = _average(known.predicted_ms, decoder_ms)
        self._any_ms = _average(self._any_ms, decoder_ms)
        if decoder_ms < SLOW_MS:
            known.window = min(MAX_WINDOW, known.window + 1)
        else:
            known.window = max(_least_window(slots), known.window // 2)

    def window(self, request_id: str, slots: int) -> int:
        """Images of the request that may be in flight. An unproven request gets few: its pictures may all be slow."""
        known = self._requests.get(request_id)
        return known.window if known else _first_window(slots)

    def open(self, counts: Mapping[str, StageCounts], slots: int, download_seconds: float) -> StepRoom:
        """The room beside the images in flight. download_seconds: mean time from dispatch to the end of a download."""
        return StepRoom(self, counts, slots, download_seconds)

    def forget_except(self, request_ids: Collection[str]) -> None:
        """Forget the requests that have ended."""
        self._requests = {key: known for key, known in self._requests.items() if key in request_ids}


def _average(before: float | None, sample: float) -> float:
    return sample if before is None else before + PREDICTION_WEIGHT * (sample - before)


def _first_window(slots: int) -> int:
    """Of an unproven request: one image in each process, one that follows it, and two that are being downloaded."""
    return _least_window(slots) + 2


def _least_window(slots: int) -> int:
    """Also slow pictures keep all processes busy if nobody else needs them."""
    return 2 * (slots or UNKNOWN_SLOTS)
