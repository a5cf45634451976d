"""The announcement of a finished request: its event, its webhook, and the removal of its originals."""

from collections.abc import Sequence

import structlog

from services.aggregator.webhook_policy import new_delivery
from shared.contracts.events import PublicEvent, request_finished_event
from shared.contracts.messages import DeliverWebhook, Message
from shared.contracts.object_keys import originals_prefix
from shared.contracts.records import Request
from shared.errors import StorageUnavailable
from shared.persistence import Database
from shared.storage import ObjectStore

_MAX_DELETED_AT_ONCE = 500

log = structlog.get_logger(__name__)


class RequestAnnouncer:
    """Repeatable: every call for the same request returns the same event and records the same delivery."""

    def __init__(self, database: Database, store: ObjectStore, public_base_url: str, *, keep_originals: bool) -> None:
        self._database = database
        self._store = store
        self._base_url = public_base_url
        self._keep_originals = keep_originals

    async def __call__(self, request: Request) -> Sequence[Message | PublicEvent]:
        """Record the webhook's delivery and remove the originals; return what is to be published."""
        event = request_finished_event(request, self._base_url)
        outgoing: list[Message | PublicEvent] = [event]
        if request.webhook_url:
            await self._database.deliveries.put(new_delivery(event, request.request_id, request.webhook_url))
            delivery = await self._database.deliveries.get(event.event_id)
            if delivery and delivery.attempts == 0 and delivery.due_at is not None:
                outgoing.append(DeliverWebhook(delivery_id=delivery.delivery_id))
        if not self._keep_originals:
            await self._remove_originals(request.request_id)
        return outgoing

    async def _remove_originals(self, request_id: str) -> None:
        """Remove the originals that interrupted runs left. An unavailable store keeps them; see the runbook."""
        keys: list[str] = []
        try:
            async for key in self._store.list_keys(originals_prefix(request_id)):
                keys.append(key)
                if len(keys) >= _MAX_DELETED_AT_ONCE:
                    await self._store.delete(keys)
                    keys.clear()
            await self._store.delete(keys)
        except StorageUnavailable as error:
            log.warning("originals_not_removed", error=str(error))
