"""What is recorded of the attempts at a webhook, its replays, and a receiver that wants no more; on a real MongoDB."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.aggregator.announce_request import RequestAnnouncer
from shared.contracts.deliveries import GONE_DETAIL, MAX_LOGGED_REPLAYS, DeliveryState
from shared.contracts.messages import DeliverWebhook
from shared.contracts.records import Announcement
from shared.persistence import open_database
from shared.settings import MongoSettings
from tests.support.builders import a_request
from tests.support.recording_publisher import RecordingPublisher
from tests.support.scripted_receiver import Reply, open_receiver
from tests.support.webhooks import DELIVERY_ID, MESSAGE, REQUEST_ID, WebhookHarness, utc_now, verify

HOUR = 3600.0
SECOND_ROUND = f"{REQUEST_ID}:2:request.completed"
THIRD_ROUND = f"{REQUEST_ID}:3:request.completed"


@pytest.fixture
async def harness(mongodb_url: str) -> AsyncIterator[WebhookHarness]:
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        yield WebhookHarness(database)


async def test_every_attempt_is_logged(harness: WebhookHarness) -> None:
    never = asyncio.Event()
    replies = (Reply(503, body=b"busy"), Reply(until=never), Reply(200, body="schön".encode()))
    async with open_receiver(*replies) as receiver, harness.deliverer(webhook_timeout=0.3) as deliver:
        await harness.put(receiver.url)
        started_at = utc_now()
        delivery = await harness.deliver_until_ended(deliver)

    assert [(attempt.status, attempt.error, attempt.response) for attempt in delivery.log] == [
        (503, "the receiver answered 503", "busy"),
        (None, "no response in time", ""),
        (200, None, "schön"),
    ]
    assert [attempt.replay for attempt in delivery.log] == [False] * 3
    times = [attempt.at for attempt in delivery.log]
    assert times == sorted(times)
    assert times[0] >= started_at - timedelta(milliseconds=1)  # the database cuts off microseconds
    assert delivery.log[1].duration_ms >= 300
    assert harness.registry.get_sample_value("imagemill_webhook_seconds_count") == 3


LEAKS = b"""{"error": "https://user:hunter2@db.test/x?api_key=hunter2 refused", "access_token": "hunter2",
"headers": "Authorization: Bearer hunter2hunter2", 'password': 'hunter2', secret=hunter2&page=2}"""


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (Reply(500, body=b"x" * 100_000), "x" * 1024),
        (Reply(200, body=b"\xff\x00ok"), "\ufffd\x00ok"),
        (Reply(500, {"Content-Encoding": "gzip"}, gzip.compress(b"hello")), ""),
        (Reply(500, body=b"y" * 1000 + b" token=" + b"hunter2" * 1000), "y" * 1000 + " token=***"),
    ],
    ids=["long", "not text", "compressed", "a secret at the end"],
)
async def test_the_log_shows_the_start_of_the_response(harness: WebhookHarness, reply: Reply, shown: str) -> None:
    async with open_receiver(reply) as receiver, harness.deliverer(webhook_schedule=()) as deliver:
        await harness.put(receiver.url)
        await deliver(MESSAGE)

    assert (await harness.delivery()).log[0].response == shown


async def test_the_log_shows_no_credentials(harness: WebhookHarness) -> None:
    async with open_receiver(Reply(500, body=LEAKS)) as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url)
        await deliver(MESSAGE)

    shown = (await harness.delivery()).log[0].response
    assert "hunter2" not in shown
    assert "page=2" in shown
    assert "refused" in shown


ECHOED = {"Host": "x", "Webhook-Signature": "v1,hunter2/A= v1,hunter2", "Cookie": "a=hunter2; b=hunter2", "X-A": "last"}
ECHOED_LINES = "".join(f"{name}: {value}\r\n" for name, value in ECHOED.items())
ECHOED_JSON = json.dumps({"headers": ECHOED, "listed": {name: [value] for name, value in ECHOED.items()}})


async def test_the_log_shows_no_credentials_of_headers_that_a_receiver_echoes(harness: WebhookHarness) -> None:
    """As lines of HTTP, as JSON, and as each of them in JSON."""
    echoes = [ECHOED_LINES, ECHOED_JSON, json.dumps({"raw": ECHOED_LINES}), json.dumps({"body": ECHOED_JSON})]
    replies = [Reply(200, body=echo.encode()) for echo in echoes]
    async with open_receiver(*replies) as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url)
        for _ in echoes:
            await harness.replay(deliver)

    shown = [attempt.response for attempt in (await harness.delivery()).replay_log]
    assert len(shown) == len(echoes)
    assert not [response for response in shown if "hunter2" in response or "last" not in response]
    documents = [json.loads(shown[1]), json.loads(json.loads(shown[3])["body"])]
    assert [each["headers"]["Webhook-Signature"] for each in documents] == ["***", "***"]
    assert json.loads(shown[2])["raw"].count("***") == 2


async def test_a_replay_has_the_same_id_and_body_and_a_fresh_signature(harness: WebhookHarness) -> None:
    async with open_receiver() as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url)
        await deliver(MESSAGE)
        await asyncio.sleep(1.1)  # a second later the timestamp differs
        delivery = await harness.replay(deliver)

    first, second = receiver.calls
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == DELIVERY_ID
    assert first.headers["webhook-timestamp"] < second.headers["webhook-timestamp"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    verify(second)
    assert (delivery.state, delivery.attempts, delivery.replays) == (DeliveryState.DELIVERED, 1, 1)
    assert [attempt.replay for attempt in (*delivery.log, *delivery.replay_log)] == [False, True]
    assert harness.count("replayed") == 1


async def test_a_failed_replay_leaves_the_schedule_as_it_is(harness: WebhookHarness) -> None:
    async with open_receiver(Reply(500)) as receiver, harness.deliverer(webhook_schedule=(HOUR, HOUR)) as deliver:
        await harness.put(receiver.url)
        await deliver(MESSAGE)
        before = await harness.delivery()
        after = await harness.replay(deliver)

    assert (after.due_at, after.attempts, after.state) == (before.due_at, 1, DeliveryState.PENDING)
    assert (after.replay_at, after.replays, len(receiver.calls)) == (None, 1, 2)
    assert harness.count("replay_failed") == 1


async def test_a_successful_replay_ends_a_pending_delivery(harness: WebhookHarness) -> None:
    replies = (Reply(500), Reply(200))
    async with open_receiver(*replies) as receiver, harness.deliverer(webhook_schedule=(HOUR,)) as deliver:
        await harness.put(receiver.url)
        await deliver(MESSAGE)
        delivery = await harness.replay(deliver)

    assert (delivery.state, delivery.due_at, delivery.last_error) == (DeliveryState.DELIVERED, None, None)


async def test_two_requests_for_a_replay_at_once_make_one_call(harness: WebhookHarness) -> None:
    answer = asyncio.Event()
    async with open_receiver(Reply(200, until=answer)) as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url, state=DeliveryState.DELIVERED, due_at=None)
        replaying = asyncio.create_task(harness.replay(deliver))
        async with asyncio.timeout(10):
            await receiver.called.wait()
        await harness.replay(deliver)
        answer.set()
        delivery = await replaying

    assert (len(receiver.calls), delivery.replays) == (1, 1)


async def announce_round(harness: WebhookHarness, url: str, event_id: str = SECOND_ROUND) -> RecordingPublisher:
    publisher = RecordingPublisher()
    announcement = Announcement(event_id, "request.completed", utc_now(), {"round": 2}, url)
    request = a_request(REQUEST_ID, announcements=(announcement,))
    await RequestAnnouncer(harness.database, publisher.publish, "http://imagemill.test").announce(request)
    return publisher


async def test_410_gone_disables_the_webhook_of_the_request(harness: WebhookHarness) -> None:
    async with open_receiver(Reply(410, body=b"gone")) as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url)
        await harness.put(receiver.url, f"{REQUEST_ID}:0:request.completed", due_at=utc_now() + timedelta(hours=5))
        delivery = await harness.deliver_until_ended(deliver)
        publisher = await announce_round(harness, receiver.url)
        await deliver(DeliverWebhook(delivery_id=SECOND_ROUND))

    assert (delivery.attempts, delivery.state, delivery.last_error) == (
        1,
        DeliveryState.DISABLED,
        "the receiver answered 410",
    )
    assert len(receiver.calls) == 1
    assert [type(sent).__name__ for sent in publisher.sent] == ["PublicEvent"]
    others = await harness.database.deliveries.of_request(REQUEST_ID)
    assert [(other.state, other.due_at) for other in others] == [(DeliveryState.DISABLED, None)] * 3
    assert {other.last_error for other in others} == {"the receiver answered 410", GONE_DETAIL}
    assert harness.count("disabled") == 1


async def test_a_successful_replay_enables_the_webhook_again(harness: WebhookHarness) -> None:
    replies = (Reply(410), Reply(500), Reply(200))
    async with open_receiver(*replies) as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url)
        await deliver(MESSAGE)
        assert (await harness.replay(deliver)).state is DeliveryState.DISABLED
        assert (await harness.replay(deliver)).state is DeliveryState.DELIVERED
        publisher = await announce_round(harness, receiver.url)
        await deliver(DeliverWebhook(delivery_id=SECOND_ROUND))

    assert DeliverWebhook(delivery_id=SECOND_ROUND) in publisher.sent
    assert json.loads(receiver.calls[-1].body)["data"] == {"round": 2}
    assert (await harness.delivery(SECOND_ROUND)).state is DeliveryState.DELIVERED


async def test_410_gone_to_a_replay_disables_the_webhook_also_of_a_delivered_one(harness: WebhookHarness) -> None:
    replies = (Reply(200), Reply(410), Reply(200))
    waiting = f"{REQUEST_ID}:0:request.completed"
    async with open_receiver(*replies) as receiver, harness.deliverer() as deliver:
        await harness.put(receiver.url)
        await harness.put(receiver.url, waiting, due_at=utc_now() + timedelta(hours=5))
        await deliver(MESSAGE)
        refused = await harness.replay(deliver)
        publisher = await announce_round(harness, receiver.url)
        second = await harness.delivery(SECOND_ROUND)
        other = await harness.delivery(waiting)
        await harness.replay(deliver)
        await announce_round(harness, receiver.url, THIRD_ROUND)

    assert (refused.state, refused.replays) == (DeliveryState.DELIVERED, 1)
    assert [type(sent).__name__ for sent in publisher.sent] == ["PublicEvent"]
    for disabled in (second, other):
        assert (disabled.state, disabled.due_at, disabled.last_error) == (DeliveryState.DISABLED, None, GONE_DETAIL)
    third = await harness.delivery(THIRD_ROUND)
    assert (third.state, third.last_error) == (DeliveryState.PENDING, None)


async def test_many_replays_evict_no_attempt_of_the_schedule(harness: WebhookHarness) -> None:
    async with open_receiver(Reply(500)) as receiver, harness.deliverer(webhook_schedule=(HOUR,)) as deliver:
        await harness.put(receiver.url)
        await deliver(MESSAGE)
        for _ in range(MAX_LOGGED_REPLAYS + 1):
            delivery = await harness.replay(deliver)

    assert (len(delivery.log), len(delivery.replay_log)) == (1, MAX_LOGGED_REPLAYS)
    assert delivery.replays == MAX_LOGGED_REPLAYS + 1
