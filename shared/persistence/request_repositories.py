"""The protocols of the repositories of requests, their cancellations and their products. See repositories."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from shared.contracts.records import Announcement, CancelledRound, Product, Progress, Request
from shared.contracts.states import RequestError

CLAIM_AGAIN_AFTER = timedelta(minutes=1)
"""After this time `claim_stranded` and `claim_due` return the same request or delivery again."""

COUNT_EVERY = timedelta(seconds=2)
"""Minimum time between two counts of a request's progress."""


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

    async def close_intake(
        self, request_id: str, round_: int, progress: Progress, error: RequestError | None = None
    ) -> None:
        """Record that everything of this round is in the database; from now on the request may finish.

        error: why the rest of the upload is not. A later round keeps it.
        """

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

    def expired(self, without: Collection[str] = ()) -> AsyncGenerator[str, None]:
        """Ids of requests that have expired and whose end is announced, those that expired first at the beginning.

        None of the ids in `without`.
        """

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
