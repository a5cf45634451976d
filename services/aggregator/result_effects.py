"""What follows a recorded result, the same for the first message and for every duplicate."""

import asyncio
from collections.abc import Sequence

import structlog

from shared.contracts.events import PublicEvent, image_event
from shared.contracts.messages import FinishRequest, Message
from shared.contracts.records import Image
from shared.contracts.states import EVENT_STATES, TERMINAL_STATES
from shared.errors import StorageUnavailable
from shared.micro_batcher import MicroBatcher
from shared.persistence import Recorded
from shared.storage import ObjectStore

_REMOVAL_SECONDS = 2.0  # recording waits for the removal; a store that hangs would delay results by a minute or more

log = structlog.get_logger(__name__)


class ResultEffects:
    """Removes the objects that a finished image no longer needs, and returns the messages to publish."""

    def __init__(self, store: ObjectStore, public_base_url: str, *, keep_originals: bool) -> None:
        self._store = store
        self._base_url = public_base_url
        self._keep_originals = keep_originals
        self._remove = MicroBatcher(self._remove_all)

    async def __call__(
        self, recorded: Recorded, original_key: str | None, result_key: str | None = None
    ) -> Sequence[Message | PublicEvent]:
        """`original_key` and `result_key` are the objects that the message names."""
        image = recorded.image
        if recorded.ended_earlier is not None:  # a retry may be about to store the same objects
            return self._event_of(recorded.ended_earlier)
        if image is None:
            log.info("result_ignored", reason="no such image in this round")
            return []
        outgoing: list[Message | PublicEvent] = []
        if image.state in TERMINAL_STATES:
            if leftovers := self._leftovers(image, original_key, result_key):
                await self._remove(leftovers)
            outgoing += self._event_of(image)
        if recorded.request_complete:
            outgoing.append(FinishRequest(request_id=image.request_id, round=image.round))
        return outgoing

    def _event_of(self, ended: Image) -> list[PublicEvent]:
        return [image_event(ended, self._base_url)] if ended.state in EVENT_STATES else []

    def _leftovers(self, image: Image, original_key: str | None, result_key: str | None) -> list[str]:
        """The original, and a result other than the recorded one.

        Only a compressed image is certain to get no other result. A retry of a failed or cancelled one may be about to
        store the same object.
        """
        leftovers = [] if original_key is None or self._keep_originals else [original_key]
        if result_key is not None and image.result is not None and image.result.key != result_key:
            leftovers.append(result_key)
        return leftovers

    async def _remove_all(self, leftovers: Sequence[list[str]]) -> list[None]:
        """One call of the store for all results that are recorded at the same time."""
        keys = [key for each in leftovers for key in each]
        try:
            async with asyncio.timeout(_REMOVAL_SECONDS):
                await self._store.delete(keys)
        except (StorageUnavailable, TimeoutError) as error:  # finishing the request removes the originals that remain
            log.warning("leftovers_not_removed", keys=keys, error=str(error) or "no response in time")
        return [None] * len(leftovers)
