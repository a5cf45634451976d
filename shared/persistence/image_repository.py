"""The protocol of the repository of images. See repositories."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.image_summary import ImageSummary
from shared.contracts.messages import ImageCompressed, ImageDeferred, ImageFailed
from shared.contracts.records import DispatchedImage, Image, Progress

RETRY_BATCH = 1_000
"""Maximum number of images that `retry_failed` moves at a time."""
MAX_HOSTS = 32
"""In one call of `due_at_hosts`: with more, the database would sort all images of these hosts."""
LOOK_AHEAD = 1_000
"""Among so many due images `due` looks for those at other hosts than the ones left out."""


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

    async def dispatched(self) -> list[DispatchedImage]:
        """All dispatched images."""

    async def requests_with_pending(self) -> list[str]:
        """Ids of requests that have pending images, due or not, in order."""

    async def due(
        self, request_id: str, limit: int, *, without_hosts: Collection[str] = (), without_losses: bool = False
    ) -> list[Image]:
        """Pending images of a request that are due, in the catalogue's order.

        With `without_hosts`, without the images of those, and only the ones among the first `LOOK_AHEAD` due images.
        With `without_losses`, without those that lost a worker in this round.
        """

    async def due_by_host(
        self,
        request_id: str,
        limit: int,
        *,
        without_hosts: Collection[str],
        after_host: str | None = None,
        without_losses: bool = False,
    ) -> list[Image]:
        """The same among all due images, ordered by host first.

        With `after_host`, only images of hosts that come after it.
        """

    async def due_at_hosts(
        self, request_id: str, limit: int, *, hosts: Collection[str], without_losses: bool = False
    ) -> list[Image]:
        """The same among all due images of these hosts, `MAX_HOSTS` at most."""

    async def expired(
        self, host: str, *, deadline_by: datetime, untried_since: datetime | None, limit: int
    ) -> list[Image]:
        """Pending images at this host, of all requests, whose deadline is `deadline_by` or earlier.

        With `untried_since` also those without a deadline that have been due since then or longer.
        """

    async def count_pending_at_hosts(self, request_id: str, hosts: Collection[str]) -> dict[str, int]:
        """Number of pending images of a request, due or not, by host; hosts without any are left out."""

    async def hosts_with_pending(self, hosts: Collection[str]) -> set[str]:
        """Those of these hosts that have a pending image of any request."""

    async def reusable(self, reuse_keys: Collection[str], since: datetime) -> dict[str, Image]:
        """For each key the image of any request that was compressed last, if that was at `since` or later."""

    async def mark_dispatched(self, images: Sequence[Image]) -> None:
        """Record that the next dispatch of each image is published. `images` are as `due` returned them."""

    async def postpone(self, images: Sequence[Image], until: datetime) -> None:
        """Make pending images due at `until`. `images` are as `due` returned them."""

    async def postpone_expiry(self, images: Sequence[Image], until: datetime) -> None:
        """Move the deadline of pending images to `until`. `images` are as `expired` returned them."""

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
