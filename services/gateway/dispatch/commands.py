"""Makes the commands for images, with the options of their requests and the results of earlier requests."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from services.gateway.background import BackgroundParts, FailingItems
from shared.contracts.messages import CompressOptions, DownloadImage, KnownResult, Message
from shared.contracts.object_keys import reuse_key
from shared.contracts.records import Image, Outage
from shared.errors import UnreadableRecord
from shared.persistence import Database
from shared.processing_time import aged_until

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class CommandRules:
    """start_within: a worker starts a command within this time, or drops it. reuse: age of results that are reused.

    max_age: of an image at its host. workers_clock: the clock by which the workers read `start_by`.
    """

    start_within: timedelta
    reuse: timedelta
    max_age: timedelta
    workers_clock: Callable[[], datetime]


class CommandMaker:
    """Makes DownloadImage. An image of which none can be made is recorded in `failing`."""

    def __init__(
        self, database: Database, rules: CommandRules, failing: FailingItems, clock: Callable[[], datetime]
    ) -> None:
        self.outages: Sequence[Outage] = ()
        self._database = database
        self._rules = rules
        self._failing = failing
        self._clock = clock
        self._options: dict[str, CompressOptions] = {}

    async def has_readable_options(self, request_id: str) -> bool:
        """False for a request that another version has to dispatch."""
        try:
            await self._options_of(request_id)
        except UnreadableRecord:
            return False
        return True

    def forget_except(self, request_ids: Collection[str]) -> None:
        self._options = {each: options for each, options in self._options.items() if each in request_ids}

    async def commands(self, images: Sequence[Image]) -> tuple[list[tuple[Image, DownloadImage]], list[Image]]:
        """Each image with its command, and the images of which none can be made."""
        options = {image.request_id: await self._options_of(image.request_id) for image in images}
        keys = {item_of(image): reuse_key(image.url, options[image.request_id]) for image in images}
        known = await self._known_results(keys.values())
        return built(
            images,
            lambda image: self._command(image, options[image.request_id], known.get(keys[item_of(image)])),
            self._failing,
        )

    def _command(self, image: Image, options: CompressOptions, known: KnownResult | None) -> DownloadImage:
        ends_before = aged_until(self._clock(), self._rules.max_age, self.outages)
        return DownloadImage(
            request_id=image.request_id,
            image_id=image.image_id,
            round=image.round,
            dispatch=image.dispatch + 1,
            attempt=image.attempts + 1,
            url=image.url,
            options=options,
            start_by=self._rules.workers_clock() + self._rules.start_within,
            known=known,
            losses=image.losses,
            last=image.deadline is not None and image.deadline <= ends_before,
        )

    async def _known_results(self, keys: Collection[str]) -> Mapping[str, KnownResult]:
        """By reuse key: the result of an earlier request for the same URL with the same options."""
        if not self._rules.reuse:
            return {}
        reusable = await self._database.images.reusable(set(keys), self._clock() - self._rules.reuse)
        known = {}
        for key, image in reusable.items():
            if image.result is not None and key not in self._failing:
                with self._failing.attempt(key):
                    known[key] = KnownResult(
                        etag=image.etag, last_modified=image.last_modified, result=image.result, reuse_key=key
                    )
        return known

    async def _options_of(self, request_id: str) -> CompressOptions:
        if request_id not in self._options:
            request = await self._database.requests.get(request_id)
            self._options[request_id] = request.options if request else CompressOptions()
        return self._options[request_id]


def item_of(image: Image) -> str:
    """The image's name among failing items."""
    return f"{image.request_id}:{image.image_id}"


def built(
    images: Sequence[Image], build: Callable[[Image], M], failing: FailingItems
) -> tuple[list[tuple[Image, M]], list[Image]]:
    """Each image with its message, and the images of which none can be made."""
    made: dict[str, tuple[Image, M]] = {}
    for image in images:
        with failing.attempt(item_of(image)):
            made[item_of(image)] = image, build(image)
    return list(made.values()), [image for image in images if item_of(image) not in made]


async def send(parts: BackgroundParts, messages: Sequence[tuple[Image, Message]]) -> None:
    """Publish the message of each image, and mark the image as dispatched."""
    # Publish first, then mark: after a crash between the two the messages are sent again, none is lost.
    await parts.publish([message for _, message in messages])
    await parts.database.images.mark_dispatched([image for image, _ in messages])
