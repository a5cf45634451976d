"""Where there is room for another image: at its host, in the downloaders and in the compressors. Pure.

Reports of the workers and the database change what is in flight, and teach the limits and the predictions.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from services.gateway.dispatch.circuits import caps_of
from services.gateway.dispatch.decoder_room import ARRIVAL_SECONDS, LATE_SECONDS, DecoderRoom, StageCounts, StepRoom
from services.gateway.dispatch.download_room import DownloadRoom
from services.gateway.dispatch.download_times import DownloadTimes
from services.gateway.dispatch.fair_shares import FairShares
from services.gateway.dispatch.host_limits import PROMPT_SECONDS, HostLimits
from services.gateway.dispatch.host_rules import HostRulebook
from services.gateway.dispatch.in_flight import Flight, ImageKey, InFlight, Run, Stage
from services.gateway.dispatch.waiting import Queue
from services.gateway.dispatch.worker_capacity import WorkerCapacity
from shared.contracts.messages import (
    CompressionsReported,
    DownloadsReported,
    EndedDownload,
    RecordedResult,
    Report,
    ReportedImage,
)
from shared.contracts.records import HostCircuit, Image

ALONE_SHARE = 0.1
"""The share of the window for images that lost a worker: they are processed one at a time, and so stay longer."""
SLOW_SHARE = 0.25
"""Of the window, for pictures in the compressors' slow lane: each stays there for up to a time limit."""


class Room:
    """All that is known about capacity and its use. Times are seconds of the caller's clock."""

    def __init__(self, rules: HostRulebook, window: int) -> None:
        self.in_flight = InFlight()
        self.shares = FairShares[Queue]()
        self.ended = 0
        self._window = window
        self._max_alone = max(1, int(window * ALONE_SHARE))
        self._hosts = HostLimits(rules.rules_of)
        self._decoder = DecoderRoom(int(window * SLOW_SHARE))
        self._times = DownloadTimes()
        self._downloaders = WorkerCapacity()
        self._compressors = WorkerCapacity()
        self._caps: Mapping[str, int] = {}
        self._slots = window
        self._late_hosts: Collection[str] = ()
        self._downloads = DownloadRoom(window, {})
        self._step: StepRoom | None = None

    def take(self, report: Report, now: float) -> None:
        """Learn from a report of a worker."""
        if isinstance(report, DownloadsReported):
            self._downloaders.reported(report.worker, report.slots, now)
            for ended in report.ended:
                self._download_ended(ended, now)
        elif isinstance(report, CompressionsReported):
            self._compressors.reported(report.worker, report.slots, now)
            for each in report.slow:
                if self.in_flight.enter(Stage.SLOW, _key(each), _run(each), now):
                    self._decoder.became_slow(each.request_id, self._compressors.slots(now) or 0)
        else:
            for recorded in report.recorded:
                self._recorded(recorded, now)

    def _download_ended(self, ended: EndedDownload, now: float) -> None:
        flight = self.in_flight.get(_key(ended), _run(ended))
        if flight is None or flight.stage is not Stage.DOWNLOADING:
            return
        self._hosts.ended(
            flight.host,
            sent_at=flight.sent_at,
            in_flight=self.in_flight.downloading_at(flight.host),
            first_byte_ms=ended.first_byte_ms,
            refused=ended.refused,
            now=now,
        )
        if ended.compresses:
            self._times.ended(flight.request_id, now - flight.sent_at)
        self.in_flight.enter(Stage.COMPRESSING if ended.compresses else Stage.ANSWERED, flight.key, flight.run, now)

    def _recorded(self, recorded: RecordedResult, now: float) -> None:
        if (flight := self.in_flight.get(_key(recorded), _run(recorded))) is None:
            return
        self.in_flight.remove(flight.key)
        self.ended += 1
        slots = self._compressors.slots(now) or 0
        if recorded.decoder_ms:
            self._decoder.answered(flight.request_id, recorded.decoder_ms, slots)
        elif recorded.compressed:
            self._decoder.copied(flight.request_id, slots)
        else:
            self._decoder.untried(flight.request_id, slots)
        downloaded_at = now if flight.downloaded_at is None else flight.downloaded_at
        cost = self._cost(recorded.decoder_ms, downloaded_at - flight.sent_at, now)
        self.shares.correct(flight.request_id, cost - flight.cost)

    def reconcile(self, dispatched: Iterable[Flight]) -> None:
        """Take over what the database has as dispatched."""
        self.ended += len(self.in_flight.reconcile(dispatched))

    def open(self, circuits: Iterable[HostCircuit], moment: datetime, now: float) -> None:
        """Begin to choose images, at a time that is given by both clocks."""
        self._caps = caps_of(circuits, self.in_flight, moment, now)
        slots = self._downloaders.slots(now)
        self._slots = self._window if slots is None else min(slots, self._window)
        self._late_hosts = self._hosts_with_late_downloads(now)
        self._downloads = DownloadRoom(self._slots, self._on_trial())
        processes = self._compressors.slots(now) or 0
        self._step = self._decoder.open(self._stage_counts(now), processes, self._times.seconds)

    def _hosts_with_late_downloads(self, now: float) -> Collection[str]:
        """The hosts at which most downloads have taken too long already, although none has ended so."""
        late = Counter(
            each.host
            for each in self.in_flight
            if each.stage is Stage.DOWNLOADING and not each.taken_over and each.sent_at < now - PROMPT_SECONDS
        )
        return {host for host, number in late.items() if 2 * number >= self.in_flight.downloading_at(host)}

    def _on_trial(self) -> Counter[str]:
        """By request, its downloads at hosts on trial. What was taken over may be past its download."""
        return Counter(
            each.request_id
            for each in self.in_flight
            if each.stage is Stage.DOWNLOADING and not each.taken_over and not self.is_prompt(each.host)
        )

    def is_prompt(self, host: str) -> bool:
        """Whether a host is not on trial."""
        return host not in self._late_hosts and self._hosts.is_prompt(host)

    def _downloading_since(self, before: float) -> Counter[str]:
        """By request, its downloads that began before this time."""
        return Counter(
            each.request_id for each in self.in_flight if each.stage is Stage.DOWNLOADING and each.sent_at < before
        )

    def _stage_counts(self, now: float) -> dict[str, StageCounts]:
        """By request."""
        taking_long = self._downloading_since(now - ARRIVAL_SECONDS)
        late = self._downloading_since(now - LATE_SECONDS)
        return {
            request_id: StageCounts(
                stages.get(Stage.DOWNLOADING, 0) - late[request_id],
                stages.get(Stage.COMPRESSING, 0),
                stages.get(Stage.SLOW, 0),
                taking_long[request_id] - late[request_id],
            )
            for request_id, stages in self.in_flight.by_request().items()
        }

    @property
    def is_full(self) -> bool:
        """Whether there is room for no image at all."""
        return self._free_slots <= 0 or (self._step is not None and self._step.is_full)

    @property
    def _free_slots(self) -> int:
        """Downloads that may start beside all that is in flight."""
        downloading = self.in_flight.in_stage(Stage.DOWNLOADING)
        return min(self._slots - downloading, self._window - len(self.in_flight))

    def for_request(self, request_id: str) -> bool:
        """Whether the workers have room for another image of a request."""
        downloading = self.in_flight.by_request().get(request_id, {}).get(Stage.DOWNLOADING, 0)
        if not self._downloads.has_room(downloading, self._free_slots):
            return False
        return self._step is None or self._step.has_room(request_id)

    def alone(self) -> int:
        """How many more images may be processed alone."""
        return max(0, self._max_alone - self.in_flight.alone)

    def at_host(self, host: str, now: float) -> int:
        """How many more images a host has room for."""
        room = self._hosts.room(host, self.in_flight.downloading_at(host), now)
        cap = self._caps.get(host)
        return room if cap is None else max(0, min(room, cap - self.in_flight.at(host)))

    def may_try_hosts(self, request_id: str) -> bool:
        """Whether a request may use a host on trial that has room; it may always use one that is prompt."""
        return self._downloads.may_try(request_id)

    def full_hosts(self, now: float) -> list[str]:
        """The hosts with images in flight or with circuits that are not closed, if they have no room."""
        hosts = {*self.in_flight.hosts(), *self._caps}
        return [host for host in hosts if self._caps.get(host) == 0 or not self.at_host(host, now)]

    def next_at(self, hosts: Iterable[str], now: float) -> float | None:
        """When one of these hosts has room that only its rate denies it now."""
        times = [at for host in hosts if (at := self._hosts.next_at(host, now)) is not None]
        return min(times, default=None)

    def send(self, image: Image, now: float) -> Flight:
        """An image is about to be sent: it occupies its room from now on."""
        predicted = self._decoder.predicted_ms(image.request_id)
        cost = self._cost(predicted, self._times.predicted(image.request_id), now)
        run = (image.round, image.dispatch + 1)
        flight = Flight(image.request_id, image.image_id, run, image.host, image.losses > 0, now, cost)
        self.in_flight.add(flight)
        if not self.is_prompt(image.host):
            self._downloads.tried(image.request_id)
        self._hosts.sent(image.host, now)
        self.shares.charge(image.request_id, cost)
        if self._step is not None:
            self._step.sent(image.request_id)
        return flight

    def not_sent(self, flight: Flight) -> None:
        """The image could not be sent after all."""
        if self.in_flight.get(flight.key, flight.run) is not None:
            self.in_flight.remove(flight.key)
            self.shares.correct(flight.request_id, -flight.cost)

    def forget_except(self, request_ids: Collection[str], now: float) -> None:
        """Forget requests that have nothing waiting or in flight, and hosts without traffic."""
        kept = {*request_ids, *self.in_flight.by_request()}
        self._decoder.forget_except(kept)
        self._times.forget_except(kept)
        self._hosts.forget_idle(now)

    def _cost(self, decoder_ms: float, download_seconds: float, now: float) -> float:
        """Milliseconds of a worker process, or as large a share of the downloaders, whichever is more scarce."""
        processes = self._compressors.slots(now)
        slots = self._downloaders.slots(now)
        if not processes or not slots:
            return decoder_ms
        return max(decoder_ms, download_seconds * 1000 * processes / slots)


def _key(reported: ReportedImage) -> ImageKey:
    return reported.request_id, reported.image_id


def _run(reported: ReportedImage) -> Run:
    return reported.round, reported.dispatch
