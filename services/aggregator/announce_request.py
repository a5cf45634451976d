"""The announcement of an ended round: its event and its webhook.

The announcement is recorded in the same write as the end of the round, and removed once it is published. A crash
between the two, or a retry that begins meanwhile, delays it and never loses it.

An event counts as published when the broker has read it, even if a subscriber's queue does not confirm it: see
docs/decisions/0023-events-do-not-wait-for-subscribers.md.
"""

from services.aggregator.webhook_policy import new_delivery
from shared.contracts.events import PublicEvent, request_finished_event
from shared.contracts.messages import DeliverWebhook, Message
from shared.contracts.records import Announcement, Request
from shared.messaging import Publish
from shared.persistence import Database


class RequestAnnouncer:
    def __init__(self, database: Database, publish: Publish, public_base_url: str) -> None:
        self._database = database
        self._publish = publish
        self._base_url = public_base_url

    def announcement(self, finished: Request) -> Announcement:
        """What there is to announce of `finished`, a request as it is at the end of a round."""
        event = request_finished_event(finished, self._base_url)
        return Announcement(event.event_id, event.type, event.time, event.data, finished.webhook_url)

    async def announce(self, request: Request) -> None:
        """Publish the announcements that `request` still has. Repeatable: a duplicate has the same ids and content."""
        for announcement in request.announcements:
            await self._publish(await self._messages(request.request_id, announcement))
            await self._database.requests.remove_announcement(request.request_id, announcement.event_id)

    async def _messages(self, request_id: str, announcement: Announcement) -> list[Message | PublicEvent]:
        """Record the webhook's delivery; return what is to be published."""
        event = PublicEvent(
            event_id=announcement.event_id,
            type=announcement.type,
            subject=request_id,
            time=announcement.time,
            data=announcement.data,
        )
        if not announcement.webhook_url:
            return [event]
        disabled = await self._is_disabled(request_id)
        await self._database.deliveries.put(
            new_delivery(event, request_id, announcement.webhook_url, disabled=disabled)
        )
        delivery = await self._database.deliveries.get(event.event_id)
        if delivery is None or delivery.attempts > 0 or delivery.due_at is None:
            return [event]
        return [event, DeliverWebhook(delivery_id=delivery.delivery_id)]

    async def _is_disabled(self, request_id: str) -> bool:
        """Whether the receiver answered 410 Gone to an earlier delivery of the request, and to no replay since."""
        deliveries = await self._database.deliveries.of_request(request_id)
        return any(delivery.disables_request for delivery in deliveries)
