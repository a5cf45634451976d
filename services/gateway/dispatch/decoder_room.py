"""Whether the compressors have room for another image of a request. Pure.

By Little's law (work in a system = rate x time in it), compressors with `slots` processes stay busy if the images in
flight mean `slots * (download time + queueing time)` seconds of work. More would only wait in front of the compressors,
and newcomers behind it.

A request starts with a small window of images in flight, which grows as its results prove to be fast, as TCP's
congestion window grows with acknowledgements (Jacobson, 1988). So pictures that are slow occupy few processes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from services.gateway.dispatch.averages import moved

QUEUE_SECONDS = 0.25
"""The compressors work off in this time what waits for them. It bridges the delay of reports, and newcomers wait behind
it. In simulations less leaves processes idle, and more only delays newcomers."""
MAX_DOWNLOAD_SECONDS = 1.0
"""Slow hosts raise the mean time of a download. Beyond this they do not raise what others may have in flight."""
LATE_SECONDS = 2.0
"""A download that takes longer counts no more: it may end soon, late or never. Otherwise a host that trickles would
hold the room of the other hosts of its request."""
ARRIVAL_SECONDS = 0.5
"""A download that takes longer occupies no place in its request's window: slow hosts at the beginning of a catalogue do
not hold up its other hosts."""
SLOW_MS = 1_000
"""An image that takes longer is slow. It counts as this in a queue, because it leaves for the slow lane soon after."""
UNKNOWN_MS = 50.0
"""Prediction before the first result of any request: a usual photograph."""
PREDICTION_WEIGHT = 0.25
"""Of a new result in a prediction, so that it follows a change within a catalogue in some images."""
SLOW_PER_SLOT = 8
"""Images in the slow lane or waiting for it, for each of its places. The lane is as busy with these as with more, and
each holds a place in the dispatcher's window for as long as all those before it take. With fewer, requests that have
some fast pictures too end later."""
MAX_WINDOW = 512
"""Images of one request in flight. From there, seven slow results lead to the least window."""
UNTRIED_FACTOR = 4
"""Images that fail without a compressor, such as missing ones, widen a request's window to so many first windows: they
say nothing about its pictures, but a catalogue of missing images should end soon."""
WINDOW_GROWTH = 2
"""Images by which each result that was not slow widens a request's window. It triples the window per round trip."""
UNKNOWN_SLOTS = 2
"""Until a compressor reports."""


@dataclass(frozen=True, slots=True)
class StageCounts:
    """The images of a request in flight."""

    downloading: int
    """Dispatched in the last `LATE_SECONDS`, and not yet sent to a compressor."""
    compressing: int
    """Sent to a compressor, and not yet ended or in the slow lane."""
    slow: int = 0
    """Slow pictures. They occupy the request's window; most are in a compressor's slow lane, or wait for it."""
    taking_long: int = 0
    """Of those downloading, the ones dispatched more than `ARRIVAL_SECONDS` ago."""

    @property
    def at_risk(self) -> int:
        """Those that occupy the request's window: they may use a compressor in a moment."""
        return self.downloading - self.taking_long + self.compressing + self.slow


@dataclass(slots=True)
class _Request:
    window: int
    predicted_ms: float | None = None
    in_slow_lane: bool = False
    """Whether the last image of which anything is known went to the slow lane."""
    tried_share: float = 1.0
    """Of its last images, those that a worker process tried. The others were missing, late or refused."""


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

    @property
    def is_full(self) -> bool:
        """Whether no request has room."""
        return self._images >= self._least_images and self._used >= self._milliseconds

    def _counted(self, milliseconds: float) -> float:
        return min(milliseconds, self._milliseconds / 2)


class StepRoom:
    """The room in one step of the dispatcher; it shrinks with each image that is sent."""

    def __init__(self, room: "DecoderRoom", counts: Mapping[str, StageCounts], slots: int, download_seconds: float):
        self._room = room
        self._slots = slots
        self._slow_lane_is_full = sum(each.slow for each in counts.values()) >= room.max_slow(slots)
        self._at_risk = {request_id: each.at_risk for request_id, each in counts.items()}
        download_seconds = min(download_seconds, MAX_DOWNLOAD_SECONDS)
        # What was sent together arrives together, so the queue may hold a part of a download's time more.
        self._queue = _Budget(slots * 1000 * (QUEUE_SECONDS + download_seconds / 2), _first_window(slots))
        self._flight = _Budget(slots * 1000 * (QUEUE_SECONDS + download_seconds), _first_window(slots))
        for request_id, each in counts.items():
            image_ms = room.predicted_ms(request_id)
            self._queue.add(request_id, each.compressing, image_ms)
            self._flight.add(request_id, each.downloading, room.expected_ms(request_id))
            self._flight.add(request_id, each.compressing, image_ms)

    @property
    def is_full(self) -> bool:
        """Whether no image of any request may start."""
        return bool(self._slots) and (self._queue.is_full or self._flight.is_full)

    def has_room(self, request_id: str) -> bool:
        """Whether one more image of the request may start."""
        if self._at_risk.get(request_id, 0) >= self._room.window(request_id, self._slots):
            return False
        if self._slow_lane_is_full and self._room.uses_slow_lane(request_id):
            return False
        return not self._slots or (self._queue.has_room(request_id) and self._flight.has_room(request_id))

    def sent(self, request_id: str) -> None:
        """An image of the request starts."""
        self._at_risk[request_id] = self._at_risk.get(request_id, 0) + 1
        self._flight.add(request_id, 1, self._room.expected_ms(request_id))


class DecoderRoom:
    """Predicts the compressors' work from results, and says what they have room for.

    `slots`: the compressors' worker processes together; 0 if none has reported.
    """

    def __init__(self, most_slow: int = MAX_WINDOW) -> None:
        """most_slow: images in the slow lane, however many processes there are."""
        self._most_slow = most_slow
        self._requests: dict[str, _Request] = {}
        self._any_ms = UNKNOWN_MS

    def predicted_ms(self, request_id: str) -> float:
        """Milliseconds of a worker process that the request's next image will probably use."""
        known = self._requests.get(request_id)
        if known is None or known.predicted_ms is None:
            return min(self._any_ms, SLOW_MS)
        return known.predicted_ms

    def expected_ms(self, request_id: str) -> float:
        """The same of a download, which may also fail. Otherwise hosts that trickle would hold the room of others."""
        known = self._requests.get(request_id)
        return min(self.predicted_ms(request_id), SLOW_MS) * (known.tried_share if known else 1)

    def answered(self, request_id: str, decoder_ms: int, slots: int) -> None:
        """An image of the request has ended and used so many milliseconds of a worker process."""
        self._any_ms = moved(self._any_ms, decoder_ms, PREDICTION_WEIGHT)
        _learn(self._known(request_id, slots), decoder_ms, slots)

    def copied(self, request_id: str, slots: int) -> None:
        """An image of the request got an earlier result. That says nothing about the images of other requests."""
        _learn(self._known(request_id, slots), 0, slots)

    def untried(self, request_id: str, slots: int) -> None:
        """An image of the request has ended, and no worker process has tried it."""
        known = self._known(request_id, slots)
        known.tried_share = moved(known.tried_share, 0, PREDICTION_WEIGHT)
        known.window = max(known.window, min(known.window + WINDOW_GROWTH, UNTRIED_FACTOR * _first_window(slots)))

    def became_slow(self, request_id: str, slots: int) -> None:
        """An image of the request has gone to the slow lane. Its result may take a minute more."""
        known = self._known(request_id, slots)
        known.predicted_ms = max(self.predicted_ms(request_id), SLOW_MS)
        known.in_slow_lane = True
        _halve(known, slots)

    def uses_slow_lane(self, request_id: str) -> bool:
        """Whether the request's next image will probably go to the slow lane."""
        known = self._requests.get(request_id)
        return known is not None and known.in_slow_lane

    def max_slow(self, slots: int) -> int:
        """Images in the slow lane; with more, requests of slow pictures wait."""
        slots = slots or UNKNOWN_SLOTS
        return max(slots, min(SLOW_PER_SLOT * slots, self._most_slow))

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

    def _known(self, request_id: str, slots: int) -> _Request:
        return self._requests.setdefault(request_id, _Request(_first_window(slots)))


def _learn(request: _Request, decoder_ms: int, slots: int) -> None:
    request.predicted_ms = moved(request.predicted_ms, decoder_ms, PREDICTION_WEIGHT)
    request.tried_share = moved(request.tried_share, 1, PREDICTION_WEIGHT)
    if decoder_ms < SLOW_MS:
        request.in_slow_lane = False
        request.window = min(MAX_WINDOW, request.window + WINDOW_GROWTH)
    else:
        _halve(request, slots)


def _halve(request: _Request, slots: int) -> None:
    request.window = max(_least_window(slots), request.window // 2)


def _first_window(slots: int) -> int:
    """Of an unproven request: one image in each process, and one that follows."""
    return (slots or UNKNOWN_SLOTS) + 1


def _least_window(slots: int) -> int:
    """Of a request with slow images: as many as the usual processes and the slow lane together work on."""
    return 2 * (slots or UNKNOWN_SLOTS)
