"""What services may ask of the database. Every method raises DatabaseUnavailable if the database does not answer.

Each write is one guarded, repeatable update of one document, so it may be made again at any time: at-least-once
messages have an effect once. The real implementations stand beside this file, the fakes in tests/fakes.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.image_summary import ImageSummary
from shared.contracts.messages import CompressImage, DownloadImage, ImageCompressed, ImageDeferred, ImageFailed
from shared.contracts.records import Delivery, HostCircuit, Image, OutputKeys, Product, Progress, Request
from shared.contracts.states import RequestStatus


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stands in the database after a result was recorded.

    image: the image as it is now, None if there is no such image in this round.
    none_left: this was (or may have been) the last: intake is closed and no image of the request is open.
    Of results that are recorded together, one at least hears it.
    """

    image: Image | None
    none_left: bool


class RequestRepository(Protocol):
    async def insert(self, request: Request) -> None:
        """Record a new request; once more with the same id changes nothing."""

    async def get(self, request_id: str) -> Request | None: ...

    async def current(self, request_id: str) -> Request | None:
        """The request with fresh progress: counted again at most every 2 s or ten times the last count's duration."""

    async def open_intakes(self) -> list[Request]:
        """Requests whose intake is open, oldest first."""

    async def save_intake(self, request_id: str, round_: int, rows: int) -> None:
        """The first `rows` data rows of the upload and their images are in the database."""

    async def close_intake(self, request_id: str, round_: int, progress: Progress) -> None:
        """All that belongs to this round is in the database; from now on the request may finish."""

    async def announce_stranded(self) -> list[Request]:
        """Pending requests that could finish: intake closed and no image open.

        Each at most once a minute, for the one who sends FinishRequest.
        """

    async def finish(
        self, request_id: str, round_: int, status: RequestStatus, progress: Progress, keys: OutputKeys
    ) -> Request | None:
        """End the request, if it is Pending in this round with its intake closed; None if it is not."""

    async def retry(self, request_id: str, round_: int, progress: Progress) -> Request | None:
        """Begin the round after `round_`, if the request has finished in that one; None if it has not.

        It is Pending again, with its intake open and without the files of the round that ended.
        """

    async def count_open(self) -> int:
        """How many requests are Pending."""

    async def finished_before(self, before: datetime, limit: int = 10) -> list[Request]:
        """Requests that finished before that time, the longest ago first."""


class ProductRepository(Protocol):
    async def insert_many(self, products: Sequence[Product]) -> None:
        """Record products; those that are recorded already stay as they are."""

    def batches(self, request_id: str, size: int = 1000) -> AsyncIterator[list[Product]]:
        """All products of a request in row order, `size` at a time."""

    async def save_outputs(self, request_id: str, round_: int, outputs: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Record the output URLs of rows, one for each slot, "" where an image failed.

        A row that has those of a later round keeps them: whoever finishes a round may be late.
        """


class ImageRepository(Protocol):
    async def insert_many(self, images: Sequence[Image]) -> None:
        """Record images; those that are recorded already stay as they are."""

    async def find(self, request_id: str, image_ids: Collection[str]) -> dict[str, Image]:
        """The images by their ids; those that do not exist are left out."""

    async def count(self, request_id: str) -> Progress:
        """Count the request's images, exactly and now."""

    async def summary(self, request_id: str) -> ImageSummary:
        """What became of the request's images that have reached their end, in whichever round. Reads all of them."""

    async def none_left(self, request_id: str) -> bool:
        """Whether no image of the request is open."""

    async def record(self, result: ImageCompressed | ImageFailed | ImageDeferred) -> Recorded:
        """Make the transition that `result` asks for, if its guard holds, and read what is recorded.

        An end is accepted from any open state of its round, a deferral only for the dispatch it answers, and once.
        """

    async def record_lost(self, command: DownloadImage | CompressImage) -> Recorded:
        """A command was dead-lettered: defer its image (worker_lost), or fail it if that happened to it before."""

    async def in_flight(self) -> dict[str, int]:
        """How many images are dispatched, by host."""

    async def requests_with_pending(self) -> list[str]:
        """Ids of requests that have pending images, due or not, in order."""

    async def due(self, request_id: str, limit: int, *, without_hosts: Collection[str] = ()) -> list[Image]:
        """Pending images of a request that are due, ordered by host; those of `without_hosts` left out."""

    async def due_at_hosts(self, request_id: str, hosts: Collection[str], limit: int) -> list[Image]:
        """Pending images of a request at these hosts that are due, the longest due first."""

    async def count_pending_at_hosts(self, request_id: str, hosts: Collection[str]) -> dict[str, int]:
        """Number of pending images of a request, due or not, by host; hosts without any are left out."""

    async def hosts_with_pending(self, hosts: Collection[str]) -> set[str]:
        """Those of these hosts that have a pending image of any request."""

    async def reusable(self, reuse_keys: Collection[str], since: datetime) -> dict[str, Image]:
        """For each of these keys the image compressed last, of any request, if that was not before `since`."""

    async def mark_dispatched(self, images: Sequence[Image]) -> None:
        """The next dispatch of each of these images, as `due` gave them, is published."""

    async def return_lost(self, dispatched_before: datetime) -> int:
        """Make images pending whose dispatch was never answered; how many."""

    async def count_pending(self) -> int:
        """How many images of all requests wait for dispatch, due or not."""

    async def count_retryable(self, request_id: str) -> int:
        """How many images of the request failed, but for those whose URL is none (invalid_url)."""

    def retry_failed(self, request_id: str, round_: int, deadline: datetime) -> AsyncGenerator[int, None]:
        """Make those images pending in round `round_`, as if they were new, some at a time; how many each time.

        An image that is in this round already stays as it is, so it may be interrupted and begun again.
        """


class DeliveryRepository(Protocol):
    async def put(self, delivery: Delivery) -> None:
        """Record a delivery; once more with the same id changes nothing."""

    async def get(self, delivery_id: str) -> Delivery | None: ...

    async def announce_due(self, limit: int = 100) -> list[Delivery]:
        """Deliveries whose time has come, each at most once a minute, for the one who sends DeliverWebhook."""

    async def claim(self, delivery_id: str, until: datetime) -> Delivery | None:
        """Take a due delivery for an attempt: it is due again at `until`, should this attempt never be recorded.

        None if it is not due, has ended or does not exist.
        """

    async def record_attempt(
        self, delivery_id: str, attempts: int, *, due_at: datetime | None, delivered: bool, error: str | None
    ) -> None:
        """Record attempt number `attempts`, once; `due_at` None ends the delivery."""


class HostRepository(Protocol):
    """Hosts in trouble; one of which nothing is recorded for a day is forgotten."""

    async def get(self, host: str) -> HostCircuit | None: ...

    async def circuits(self) -> list[HostCircuit]:
        """All that are recorded, some thousands at most."""

    async def tripped(self) -> list[HostCircuit]:
        """Those with an `until`, past or not."""

    async def save(self, host: HostCircuit, *, instead_of: HostCircuit | None) -> bool:
        """Record `host` if what is recorded of it is still `instead_of`, None being nothing; whether it was."""

    async def remove(self, host: str) -> bool:
        """Forget a host; whether anything was recorded of it."""


class Lease(Protocol):
    """The right to do one piece of work, for a while. It saves double work; guards keep double work harmless."""

    async def acquire(self) -> bool:
        """Take the lease or renew it; False while somebody else holds it."""

    async def release(self) -> None:
        """Give it back, if it is ours."""


class Database(Protocol):
    @property
    def requests(self) -> RequestRepository: ...

    @property
    def products(self) -> ProductRepository: ...

    @property
    def images(self) -> ImageRepository: ...

    @property
    def deliveries(self) -> DeliveryRepository: ...

    @property
    def hosts(self) -> HostRepository: ...

    def lease(self, name: str, seconds: float) -> Lease:
        """A lease called `name` for this process, running out `seconds` after it was last acquired."""

    async def forget(self, request_id: str) -> None:
        """Remove all that is recorded of a request, the request itself last; may be made again."""

    async def ping(self) -> None:
        """Returns if the database answers; raises DatabaseUnavailable if not."""
