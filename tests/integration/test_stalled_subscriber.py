"""A subscriber's quorum queue that confirms nothing, as without its majority, delays nothing in Imagemill.

Its process is suspended: the broker then lets no channel go on that publishes to it, as with a lost majority.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import aio_pika
import pytest

from deploy.local.servers import Servers
from shared.contracts.events import PublicEvent
from shared.contracts.messages import FinishRequest, ImageCompressed, ImageDeferred, ImageFailed
from shared.contracts.records import Image
from shared.contracts.states import ImageState, RequestStatus
from shared.messaging import EVENTS_EXCHANGE, Queue, Subscription, event_link
from shared.persistence import Database, open_database
from shared.settings import MongoSettings
from tests.support.aggregating import a_finisher, a_product, a_recorder, a_request, an_image
from tests.support.builders import REQUEST_ID
from tests.support.messaging_runtime import Runtime, open_runtime, waiting_in
from tests.support.subscriber import open_subscriber
from tests.support.waiting import until
from tests.support.worker_messages import compressed

STALLED = "stalled-queue-of-another-team"
IMAGES = 120
CONCURRENCY = 20


@asynccontextmanager
async def stalled_queue(servers: Servers, runtime: Runtime) -> AsyncIterator[None]:
    """Bind a quorum queue to the events, let it work once, and suspend it for the time of the block."""
    async with await aio_pika.connect(servers.rabbitmq_url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(STALLED, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(EVENTS_EXCHANGE, "#")
        await runtime.publisher.publish([an_event("first")])
        await servers.control_broker("eval", f"sys:suspend('%2F_{STALLED}').")
        try:
            yield
        finally:
            await servers.control_broker("eval", f"sys:resume('%2F_{STALLED}').")
            await queue.delete(if_unused=False, if_empty=False)


def an_event(name: str) -> PublicEvent:
    return PublicEvent(name, "image.failed", name, datetime.now(UTC), {"request_id": "r"})


@pytest.fixture
async def database(mongodb_url: str) -> AsyncIterator[Database]:
    """With a request whose images are dispatched."""
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        now = datetime.now(UTC)
        await database.requests.insert(a_request(webhook_url="http://shop/hook", created_at=now, updated_at=now))
        await database.products.insert_many([a_product(1, *(image.url for image in images()))])
        await database.images.insert_many(images())
        await database.images.mark_dispatched(images())
        yield database


def images() -> list[Image]:
    deadline = datetime.now(UTC) + timedelta(days=1)
    return [
        an_image(f"http://images.test/{number}.jpg", deadline=deadline, state=ImageState.PENDING, dispatch=0)
        for number in range(IMAGES)
    ]


async def test_results_finishes_and_webhooks_go_on_and_other_subscribers_get_every_event(
    servers: Servers, rabbitmq_url: str, database: Database
) -> None:
    async with open_runtime(rabbitmq_url) as runtime, open_subscriber(rabbitmq_url) as subscriber:
        results = Subscription(
            Queue.RESULTS, (ImageCompressed, ImageFailed, ImageDeferred), a_recorder(database), CONCURRENCY
        )
        finish = Subscription(Queue.FINISH, (FinishRequest,), a_finisher(database, runtime.publisher.publish), 1)
        async with stalled_queue(servers, runtime), runtime.consuming(results, finish):
            await runtime.publisher.publish([compressed(image) for image in images()])
            await until(partial(is_finished, database), 20, "the request is finished and its webhook requested")
            assert await waiting_in(rabbitmq_url, Queue.WEBHOOKS) == 1
            await until(lambda: len(subscriber.about(REQUEST_ID)) == IMAGES + 1, 20, "every event came")


async def is_finished(database: Database) -> bool:
    request = await database.requests.get(REQUEST_ID)
    assert request is not None
    return request.status is RequestStatus.COMPLETED and not request.announcements


async def test_events_are_published_with_confirms_again_when_the_queue_works(
    servers: Servers, rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_link, "WITHOUT_CONFIRMS_SECONDS", 1.5)
    monkeypatch.setattr(event_link, "CHANNELS_PER_CONNECTION", 7)
    async with open_runtime(rabbitmq_url) as runtime, open_subscriber(rabbitmq_url) as subscriber:
        async with stalled_queue(servers, runtime):
            for number in range(20):
                await runtime.publisher.publish([an_event(f"stalled-{number}")])
            unconfirmed = runtime.counted("imagemill_events_unconfirmed_total")
            assert unconfirmed == 20
        await asyncio.sleep(1.5)  # until confirms are tried again
        await runtime.publisher.publish([an_event("works")])
        assert runtime.counted("imagemill_events_unconfirmed_total") == unconfirmed
        names = {"first", "works", *(f"stalled-{number}" for number in range(20))}
        await until(lambda: set(subscriber.about("r")) == names, what="every event came")
