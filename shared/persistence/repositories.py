"""The protocols of the database. Every method raises DatabaseUnavailable if the database does not answer.

Records of earlier and later versions are read. One that cannot be read is left out of lists, except where the caller
needs all: there, and where it is asked for by its id, UnreadableRecord is raised.

Every write is one guarded update of one document and may be repeated at any time, so a message that is delivered twice
takes effect once. The implementations for MongoDB are in this package, the fakes in tests/fakes.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.contracts.deliveries import Delivery, DeliveryAttempt, DeliveryState
from shared.contracts.image_summary import ImageSummary
from shared.contracts.messages import ImageCompressed, ImageDeferred, ImageFailed
from shared.contracts.records import (
    Announcement,
    CancelledRound,
    HostCircuit,
    Image,
    Outage,
    Product,
    Progress,
    Request,
)

CLAIM_AGAIN_AFTER = timedelta(minutes=1)
"""After this time `claim_stranded` and `claim_due` return the same request or delivery again."""

MAX_OUTAGES = 200
"""How many outages are remembered."""

MAX_COUNTED = 1_000
"""Where `count_overdue` stops."""

DUE_PER_RECEIVER = 10
"""How many deliveries to one receiver `claim_due` returns at a time: enough to fill its slots in two aggregators. Each
attempt that ends takes the next one."""

COUNT_EVERY = timedelta(seconds=2)
"""Minimum time between two counts of a request's progress."""

RETRY_BATCH = 1_000
"""Maximum number of images that `retry_failed` moves at a time."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the database contains after a result was recorded.

    image: the image as it is now, None if there is no such image in this round.
    request_complete: whether the request can be finished: it is Pending, its intake is closed and no image is open. Of
        results that are recorded together, at least one has it.
    ended_earlier: if a retry has moved the image to a later round, the image as the result's round ended it.
    """

    image: Image | None
    request_complete: bool
    ended_earlier: Image | None = None


class RequestRepository(Protocol):
    async def insert(self, request: Request) -> None:
        """Record a new request; a request that exists stays as it is."""

    async def get(self, request_id: str) -> Request | None: ...

    async def current(self, request_id: str) -> Request | None:
        """The request with recent progress: counted once per COUNT_EVERY, or ten times a count's duration."""

    async def open_intakes(self) -> list[Request]:
        """Requests whose intake is open, oldest first."""

    async def save_intake(self, request_id: str, round_: int, rows: int) -> bool:
        """Record that the first `rows` data rows of the upload and their images are in the database.

        Returns whether the request is being cancelled.
        """

    async def close_intake(self, request_id: str, round_: int, progress: Progress) -> None:
        """Record that everything of this round is in the database; from now on the request may finish."""

    async def claim_stranded(self) -> list[Request]:
        """Requests whose next step was lost; the caller sends FinishRequest.

        These are the Pending ones that could finish (intake is closed and no image is open), and those, in any state,
        that have an announcement older than CLAIM_AGAIN_AFTER. Returns each at most once per CLAIM_AGAIN_AFTER.
        """

    async def finish(self, finished: Request, announcement: Announcement) -> Request | None:
        """Record the end of a round and its announcement, in one write.

        Writes the status, progress, times and files of `finished`, if the request is Pending in that round with its
        intake closed; None if it is not.
        """

    async def add_missing_announcement(self, request_id: str, announcement: Announcement) -> Request | None:
        """Record the announcement of a finished request whose record has no room for any: an earlier version wrote it.

        None if the record has room, so its announcement was recorded at the finish.
        """

    async def remove_announcement(self, request_id: str, event_id: str) -> None:
        """Record that an announcement was published."""

    async def retry(self, request_id: str, round_: int, progress: Progress) -> Request | None:
        """Start the round after `round_`, if the request has finished that one; None if it has not, or has expired.

        The request is Pending again, with its intake open and without the files of the finished round.
        """

    async def count_open(self) -> int:
        """Number of Pending requests."""

    def expired(self) -> AsyncGenerator[str, None]:
        """Ids of requests that have expired and whose end is announced, those that expired first at the beginning."""

    async def begin_removal(self, request_id: str) -> bool:
        """Whether the request has expired; from then on it cannot be retried."""

    async def expire(self, request_id: str) -> bool:
        """Let a finished request expire now; False if there is no such finished request."""

    async def give_retention(self, days: float) -> int:
        """Record this retention for the requests of an earlier version, which had none; returns their number.

        Those that are finished expire as if they finished now.
        """

    async def uncleaned(self, finished_before: datetime, without: Collection[str] = ()) -> tuple[str, int] | None:
        """Id and round of the request that finished first, at that time or earlier, and was not cleaned since.

        Not one of the ids in `without`.
        """

    async def mark_cleaned(self, request_id: str, round_: int) -> None:
        """Record that the leftovers of a finished round were removed, if the request is still in that round."""

    async def existing(self, request_ids: Collection[str]) -> set[str]:
        """Those of these ids that have a record."""

    def finished(self) -> AsyncIterator[Request]:
        """All finished requests, in the order of their ids."""


class CancellationRepository(Protocol):
    """A client cancels the current round of a Pending request. Its open images end as cancelled; then it finishes."""

    async def begin(self, request_id: str) -> bool:
        """Mark the current round of the request as cancelled, if the request is Pending and not yet being cancelled.

        Returns whether it was marked.
        """

    async def in_progress(self) -> list[CancelledRound]:
        """The rounds that are being cancelled: their requests are not finished yet."""

    async def requested_since(self, since: datetime) -> list[CancelledRound]:
        """The rounds that were cancelled at `since` or later, finished or not. One for each request, its last."""

    async def cancel_images(self, request_id: str, round_: int, limit: int) -> int:
        """End open images of a cancelled round as cancelled, about `limit` of them; returns how many it ended."""


class ProductRepository(Protocol):
    async def insert_many(self, products: Sequence[Product]) -> None:
        """Record products; those that exist stay as they are."""

    def batches(self, request_id: str, size: int = 1000) -> AsyncIterator[list[Product]]:
        """All products of a request in row order, `size` at a time."""

    async def save_outputs(self, request_id: str, round_: int, outputs: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Record the output URLs of rows, one for each slot, "" for a failed image.

        Outputs of a later round are not overwritten: a process that finishes an earlier round may be late.
        """


class ImageRepository(Protocol):
    async def insert_many(self, images: Sequence[Image]) -> None:
        """Record images; those that exist stay as they are."""

    async def find(self, request_id: str, image_ids: Collection[str]) -> dict[str, Image]:
        """The images by their ids; ids without an image are left out."""

    async def count(self, request_id: str) -> Progress:
        """Count the request's images now."""

    def result_keys(self, request_id: str) -> AsyncGenerator[str, None]:
        """The keys of the results of the request's compressed images."""

    async def summary(self, request_id: str) -> ImageSummary:
        """Totals over the request's ended images, of all rounds. Reads all of them."""

    async def none_open(self, request_id: str) -> bool:
        """Whether no image of the request is open."""

    async def record(
        self, result: ImageCompressed | ImageFailed | ImageDeferred, *, deadline: datetime | None = None
    ) -> Recorded:
        """Make the transition that `result` asks for, if its guard holds, and return what is recorded then.

        `deadline` becomes the image's if `result` defers it after a try at its host and it has none yet. A terminal
        state is accepted from any open state of its round, a failure only if no deferral has answered its dispatch; a
        deferral, and a failure because workers were lost, only of the current dispatch, and only once.
        """

    async def in_flight(self) -> dict[str, int]:
        """Number of dispatched images, by host."""

    async def in_flight_alone(self) -> int:
        """Number of dispatched images that lost a worker in this round, which the workers process alone."""

    async def requests_with_pending(self) -> list[str]:
        """Ids of requests that have pending images, due or not, in order."""

    async def due(
        self, request_id: str, limit: int, *, without_hosts: Collection[str] = (), without_losses: bool = False
    ) -> list[Image]:
        """Pending images of a request that are due, ordered by host, without those of `without_hosts`.

        With `without_losses` also without those that lost a worker in this round.
        """

    async def expired(
        self, host: str, *, deadline_by: datetime, untried_since: datetime | None, limit: int
    ) -> list[Image]:
        """Pending images at this host, of all requests, whose deadline is `deadline_by` or earlier.

        With `untried_since` also those without a deadline that have been due since then or longer.
        """

    async def dispatched_since(self, hosts: Collection[str], since: datetime) -> dict[str, int]:
        """Number of images that were dispatched at `since` or later and not answered, by host."""

    async def count_pending_at_hosts(self, request_id: str, hosts: Collection[str]) -> dict[str, int]:
        """Number of pending images of a request, due or not, by host; hosts without any are left out."""

    async def hosts_with_pending(self, hosts: Collection[str]) -> set[str]:
        """Those of these hosts that have a pending image of any request."""

    async def reusable(self, reuse_keys: Collection[str], since: datetime) -> dict[str, Image]:
        """For each key the image of any request that was compressed last, if that was at `since` or later."""

    async def mark_dispatched(self, images: Sequence[Image]) -> None:
        """Record that the next dispatch of each image is published. `images` are as `due` returned them."""

    async def return_lost(self, dispatched_before: datetime) -> int:
        """Make images pending that were dispatched before that time and not answered; returns their number."""

    async def count_pending(self) -> int:
        """Number of pending images of all requests, due or not."""

    async def count_retryable(self, request_id: str) -> int:
        """Number of the request's failed and cancelled images, without those whose URL is invalid."""

    def retry_failed(self, request_id: str, round_: int) -> AsyncGenerator[int, None]:
        """Move the retryable images of earlier rounds to round `round_`, pending like new ones.

        Works in batches and yields the size of each. It may be interrupted and repeated: images of this round stay as
        they are.
        """


class DeliveryRepository(Protocol):
    async def put(self, delivery: Delivery) -> None:
        """Record a delivery; a delivery that exists stays as it is."""

    async def get(self, delivery_id: str) -> Delivery | None: ...

    async def of_request(self, request_id: str) -> list[Delivery]:
        """All deliveries of a request, the oldest first."""

    async def any_pending(self, request_id: str) -> bool:
        """Whether the request has a delivery with attempts left, or with a replay that is due."""

    async def claim_due(self, limit: int = 100, *, per_receiver: int = DUE_PER_RECEIVER) -> list[Delivery]:
        """Deliveries with a due attempt or replay, each at most once per CLAIM_AGAIN_AFTER; the caller sends them.

        The receivers take turns, with at most `per_receiver` deliveries each, so that one with many does not delay the
        others.
        """

    async def claim_next(self, receiver: str) -> Delivery | None:
        """The due delivery to `receiver` for which `DeliverWebhook` was sent the longest ago; the caller sends it."""

    async def claim(self, delivery_id: str, until: datetime) -> Delivery | None:
        """Take a due delivery for an attempt. It is due again at `until`, in case the attempt is never recorded.

        None if it is not due, has ended or does not exist.
        """

    async def claim_replay(self, delivery_id: str, until: datetime) -> Delivery | None:
        """Take a due replay, as `claim` does."""

    async def record_attempt(
        self, delivery_id: str, number: int, attempt: DeliveryAttempt, *, state: DeliveryState, due_at: datetime | None
    ) -> None:
        """Log attempt `number` of the schedule; `due_at` is of the next one, None after the last.

        If that number is recorded already, or the delivery is no longer pending, only a success changes its state.
        """

    async def request_replay(self, delivery_id: str) -> Delivery | None:
        """Make a replay due now, unless one is due or in progress; None if there is no such delivery."""

    async def record_replay(self, delivery_id: str, attempt: DeliveryAttempt) -> None:
        """Log a replay. A success makes it delivered; a failure leaves its state and its schedule as they are.

        It is for the caller to `disable` the request if the receiver answered 410.
        """

    async def disable(self, request_id: str, delivery_id: str) -> None:
        """Disable the request's pending deliveries and those of later rounds: the receiver of this one is gone."""

    async def enable(self, request_id: str) -> None:
        """Undo `disable` for later rounds; deliveries that it disabled become abandoned."""

    async def count_overdue(self) -> int:
        """Number of deliveries whose attempt has been due for CLAIM_AGAIN_AFTER, at most MAX_COUNTED."""

    async def postpone(self, receiver: str, url: str, until: datetime) -> None:
        """Make no attempt of the schedule for this URL due before `until`."""


class HostRepository(Protocol):
    """Host circuits. One that does not change for a day is deleted."""

    async def get(self, host: str) -> HostCircuit | None: ...

    async def circuits(self) -> list[HostCircuit]:
        """All recorded circuits, 10,000 at most."""

    async def not_closed(self) -> list[HostCircuit]:
        """The circuits that are open or half-open."""

    async def save(self, circuit: HostCircuit, *, instead_of: HostCircuit | None) -> bool:
        """Record `circuit` if its host's record is still `instead_of` (None: no record); returns whether it was."""

    async def close(self, host: str) -> bool:
        """Delete the circuit of a host unless it is open; returns whether it was deleted.

        A success while it is open is late: its request was sent before the pause, which the host may have asked for.
        """


class OutageRepository(Protocol):
    async def observe(self, *, working: bool, longer_than: timedelta) -> list[Outage]:
        """Record whether images are processed now. Returns the last MAX_OUTAGES outages, the oldest first.

        An outage is the time since images were last seen to be processed, if it is `longer_than` that. With `working`
        false the last one may still go on.
        """


class Lease(Protocol):
    """The right to do one piece of work for a while. It avoids double work; guards make double work harmless."""

    async def acquire(self) -> bool:
        """Take the lease or renew it; False while another process holds it."""

    async def release(self) -> None:
        """Give the lease back, if this process holds it."""


class Database(Protocol):
    @property
    def clock(self) -> Callable[[], datetime]:
        """The time by which everything is recorded: the database's, whatever this machine's clock says."""

    @property
    def requests(self) -> RequestRepository: ...

    @property
    def cancellations(self) -> CancellationRepository: ...

    @property
    def products(self) -> ProductRepository: ...

    @property
    def images(self) -> ImageRepository: ...

    @property
    def deliveries(self) -> DeliveryRepository: ...

    @property
    def hosts(self) -> HostRepository: ...

    @property
    def outages(self) -> OutageRepository: ...

    def lease(self, name: str, seconds: float) -> Lease:
        """The lease `name` for this process; it runs out `seconds` after it was last acquired."""

    async def delete_request(self, request_id: str) -> bool:
        """Delete some of what belongs to a request, the request itself last; call it until it returns False."""

    def orphaned_requests(self) -> AsyncIterator[str]:
        """Ids of requests that have images, products or deliveries but no record; an id may occur several times."""

    async def ping(self) -> None:
        """Return if the database answers."""
