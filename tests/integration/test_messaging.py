"""Messages on a real broker: handled, their results published, then acknowledged; parked if they cannot be read."""

import asyncio
from typing import Any

import aio_pika
import pytest

from shared.contracts.messages import (
    CompressImage,
    DeliverWebhook,
    DownloadImage,
    FinishRequest,
    ImageCompressed,
    ImageFailed,
)
from shared.errors import BrokerUnavailable, StoppedWhileStarting
from shared.messaging import COMMANDS_EXCHANGE, DEAD_EXCHANGE, Queue, Subscription, list_dead, open_broker, replay_dead
from shared.settings import RabbitSettings
from tests.support.builders import an_image
from tests.support.messaging_runtime import is_waiting, open_broker_proxy, open_runtime, waiting_in
from tests.support.recorder import Recorder
from tests.support.waiting import until
from tests.support.worker_messages import compress, compressed, download, failed

IMAGES = [an_image(f"http://images.test/{number}.jpg") for number in range(20)]


async def _publish_raw(url: str, queue: Queue, body: bytes, **properties: Any) -> None:
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        exchange = await channel.get_exchange(COMMANDS_EXCHANGE, ensure=False)
        await exchange.publish(aio_pika.Message(body, **properties), queue)


async def test_the_results_of_a_message_are_published_and_the_message_is_acknowledged(rabbitmq_url: str) -> None:
    downloads = Recorder(answer=[compress(IMAGES[0])])
    compressions = Recorder(answer=[compressed(IMAGES[0]), failed(IMAGES[1])])
    results = Recorder()
    async with open_runtime(rabbitmq_url) as runtime:
        async with runtime.consuming(
            Subscription(Queue.DOWNLOAD, (DownloadImage,), downloads, 4),
            Subscription(Queue.COMPRESS, (CompressImage,), compressions, 4),
            Subscription(Queue.RESULTS, (ImageCompressed, ImageFailed), results, 4),
        ):
            await runtime.publisher.publish([download(IMAGES[0])])
            await until(lambda: len(results.handled) == 2, what="two results")
        assert downloads.handled == [download(IMAGES[0])]
        assert compressions.handled == [compress(IMAGES[0])]
        assert sorted(type(result).__name__ for result in results.handled) == ["ImageCompressed", "ImageFailed"]
        assert runtime.counted("imagemill_messages_handled_total", queue=Queue.DOWNLOAD, outcome="handled") == 1
        assert runtime.counted("imagemill_messages_published_total", exchange=COMMANDS_EXCHANGE) == 4
    assert [await waiting_in(rabbitmq_url, queue) for queue in Queue] == [0] * len(Queue)


async def test_at_most_concurrency_messages_are_handled_at_a_time(rabbitmq_url: str) -> None:
    handler = Recorder(hold=asyncio.Event())
    async with (
        open_runtime(rabbitmq_url) as runtime,
        runtime.consuming(Subscription(Queue.DOWNLOAD, (DownloadImage,), handler, 3)),
    ):
        await runtime.publisher.publish([download(image) for image in IMAGES])
        await until(lambda: len(handler.seen) == 3)
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, 17))
        assert len(handler.seen) == 3
        assert handler.hold is not None
        handler.hold.set()
        await until(lambda: len(handler.handled) == 20)


@pytest.mark.parametrize(
    ("body", "type_", "reason"),
    [
        (b'{"request_id": "a", "round": 1}', "Unheard", "unknown message type 'Unheard'"),
        (b'{"request_id": "a", "round": 1}', None, "unknown message type None"),
        (b'{"request_id": "a", "round": 1}', "FinishRequest", "unknown message type 'FinishRequest'"),
        (b'{"request_id": "a"}', "DownloadImage", "not a valid DownloadImage"),
        (b"\xff\x00 not JSON", "DownloadImage", "not a valid DownloadImage"),
    ],
    ids=["unknown type", "no type", "another queue's type", "fields missing", "not JSON"],
)
async def test_an_undecodable_message_is_parked_with_the_reason(
    rabbitmq_url: str, body: bytes, type_: str | None, reason: str
) -> None:
    handler = Recorder()
    async with open_runtime(rabbitmq_url) as runtime:
        async with runtime.consuming(Subscription(Queue.DOWNLOAD, (DownloadImage,), handler, 1)):
            await _publish_raw(rabbitmq_url, Queue.DOWNLOAD, body, type=type_)
            await runtime.publisher.publish([download(IMAGES[0])])
            await until(lambda: handler.handled == [download(IMAGES[0])], what="the next message")
        assert runtime.counted("imagemill_dead_letters_total", queue=Queue.DOWNLOAD, reason="undecodable") == 1
    [letter] = await list_dead(rabbitmq_url)
    assert letter.queue == Queue.DOWNLOAD
    assert reason in letter.reason
    assert letter.type == (type_ or "unknown")
    assert letter.body == body.decode(errors="replace")
    assert letter.parked_at is not None
    assert await waiting_in(rabbitmq_url, Queue.LOST) == 1
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0


async def test_an_undecodable_message_is_dropped_if_park_unknown_is_off(rabbitmq_url: str) -> None:
    handler = Recorder()
    async with (
        open_runtime(rabbitmq_url) as runtime,
        runtime.consuming(Subscription(Queue.LOST, (DownloadImage,), handler, 1, park_unknown=False)),
    ):
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            dead = await channel.get_exchange(DEAD_EXCHANGE, ensure=False)
            await dead.publish(aio_pika.Message(b"{}", type="Unheard"), "")
            body = download(IMAGES[0]).model_dump_json().encode()
            await dead.publish(aio_pika.Message(body, type="DownloadImage"), "")
        await until(lambda: handler.handled == [download(IMAGES[0])])
    assert await waiting_in(rabbitmq_url, Queue.LOST) == 0
    assert len(await list_dead(rabbitmq_url)) == 2


async def test_listing_parked_messages_leaves_them_parked(rabbitmq_url: str) -> None:
    async with (
        open_runtime(rabbitmq_url) as runtime,
        runtime.consuming(Subscription(Queue.FINISH, (DeliverWebhook,), Recorder(), 1)),
    ):
        await runtime.publisher.publish([FinishRequest(request_id=name, round=1) for name in ("a", "b", "c")])
        await until(lambda: is_waiting(rabbitmq_url, Queue.DEAD, 3))
    for _ in range(3):
        assert [letter.type for letter in await list_dead(rabbitmq_url)] == ["FinishRequest"] * 3
        await until(lambda: is_waiting(rabbitmq_url, Queue.DEAD, 3), what="the return of the listed messages")


async def test_parked_messages_are_replayed_to_the_queue_they_came_from(rabbitmq_url: str) -> None:
    handler = Recorder()
    async with open_runtime(rabbitmq_url) as runtime:
        async with runtime.consuming(Subscription(Queue.FINISH, (DeliverWebhook,), handler, 1)):
            await runtime.publisher.publish([FinishRequest(request_id=name, round=1) for name in ("a", "b")])
            await until(lambda: is_waiting(rabbitmq_url, Queue.DEAD, 2))
        assert await replay_dead(rabbitmq_url) == 2
        assert await list_dead(rabbitmq_url) == []
        async with runtime.consuming(Subscription(Queue.FINISH, (FinishRequest,), handler, 1)):
            await until(lambda: len(handler.handled) == 2)
    assert {message.request_id for message in handler.handled if isinstance(message, FinishRequest)} == {"a", "b"}


async def test_replay_leaves_messages_without_a_queue_parked(rabbitmq_url: str) -> None:
    async with open_runtime(rabbitmq_url) as runtime:
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            dead = await channel.get_exchange(DEAD_EXCHANGE, ensure=False)
            await dead.publish(aio_pika.Message(b"from nowhere"), "")
        async with runtime.consuming(Subscription(Queue.FINISH, (DeliverWebhook,), Recorder(), 1)):
            await runtime.publisher.publish([FinishRequest(request_id="a", round=1)])
            await until(lambda: is_waiting(rabbitmq_url, Queue.DEAD, 2))
        assert await replay_dead(rabbitmq_url) == 1
    assert [letter.body for letter in await list_dead(rabbitmq_url)] == ["from nowhere"]
    assert await waiting_in(rabbitmq_url, Queue.FINISH) == 1


async def test_a_message_that_always_fails_is_parked_after_its_last_permitted_failure(rabbitmq_url: str) -> None:
    good = Recorder()

    async def fails_for_one(message: DownloadImage) -> list[Any]:
        if message == download(IMAGES[0]):
            raise ZeroDivisionError
        await good(message)
        return []

    async with open_runtime(rabbitmq_url, dead_letter_after=2) as runtime:
        async with runtime.consuming(Subscription(Queue.DOWNLOAD, (DownloadImage,), fails_for_one, 2)):
            await runtime.publisher.publish([download(image) for image in IMAGES[:5]])
            await until(lambda: is_waiting(rabbitmq_url, Queue.DEAD, 1), within=30)
        assert runtime.counted("imagemill_messages_handled_total", queue=Queue.DOWNLOAD, outcome="failed") == 2
        assert len(good.handled) == 4
    [letter] = await list_dead(rabbitmq_url)
    assert (letter.queue, letter.type) == (Queue.DOWNLOAD, "DownloadImage")
    assert letter.reason == "failed 2 times; last: ZeroDivisionError()"
    assert letter.parked_at is not None
    assert DownloadImage.model_validate_json(letter.body) == download(IMAGES[0])
    assert await waiting_in(rabbitmq_url, Queue.LOST) == 1
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0


async def test_a_message_that_always_fails_is_dropped_if_park_unknown_is_off(rabbitmq_url: str) -> None:
    failed = 0

    async def fails(_: DownloadImage) -> list[Any]:
        nonlocal failed
        failed += 1
        raise ZeroDivisionError

    subscription = Subscription(Queue.DOWNLOAD, (DownloadImage,), fails, 1, park_unknown=False)
    async with open_runtime(rabbitmq_url, dead_letter_after=2) as runtime, runtime.consuming(subscription):
        await runtime.publisher.publish([download(IMAGES[0])])
        await until(lambda: failed == 2)
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, 0))
    assert failed == 2
    assert await list_dead(rabbitmq_url) == []
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0


@pytest.mark.parametrize("returns", [2, 3])
async def test_a_message_that_returned_too_often_goes_to_on_suspect(rabbitmq_url: str, returns: int) -> None:
    async with open_runtime(rabbitmq_url) as runtime:
        await runtime.publisher.publish([download(IMAGES[0])])
        for _ in range(returns):
            await _take_without_an_answer(rabbitmq_url, Queue.DOWNLOAD)
        handler, suspects, answers = Recorder(), Recorder(answer=[compress(IMAGES[0])]), Recorder()
        async with runtime.consuming(
            Subscription(Queue.DOWNLOAD, (DownloadImage,), handler, 1, on_suspect=suspects, suspect_after=3),
            Subscription(Queue.COMPRESS, (CompressImage,), answers, 1),
        ):
            await until(lambda: bool(handler.handled or answers.handled))
        assert len(handler.handled) == (1 if returns < 3 else 0)
        assert suspects.handled == ([] if returns < 3 else [download(IMAGES[0])])
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0


@pytest.mark.parametrize("header", ["ten", -1, None, [1], {"a": 1}])
async def test_an_invalid_count_in_a_header_counts_as_none(rabbitmq_url: str, header: Any) -> None:
    handler, suspects = Recorder(), Recorder()
    subscription = Subscription(Queue.DOWNLOAD, (DownloadImage,), handler, 1, on_suspect=suspects, suspect_after=1)
    async with open_runtime(rabbitmq_url) as runtime, runtime.consuming(subscription):
        body = download(IMAGES[0]).model_dump_json().encode()
        headers = {"x-delivery-count": header, "imagemill-failures": header}
        await _publish_raw(rabbitmq_url, Queue.DOWNLOAD, body, type="DownloadImage", headers=headers)
        await until(lambda: handler.handled == [download(IMAGES[0])])
    assert suspects.handled == []


async def _take_without_an_answer(url: str, queue: Queue) -> None:
    """As a worker that dies with the message in progress."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        taken = await (await channel.get_queue(queue, ensure=False)).get()
        assert taken is not None
    await until(lambda: is_waiting(url, queue, 1), what="the return of the message")


async def test_the_topology_can_be_declared_twice(rabbitmq_url: str) -> None:
    async with open_runtime(rabbitmq_url) as first, open_runtime(rabbitmq_url) as second:
        await first.publisher.publish([download(IMAGES[0])])
        await second.publisher.publish([download(IMAGES[1])])
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 2


async def test_a_service_can_start_before_its_broker(rabbitmq_url: str) -> None:
    async with open_broker_proxy(rabbitmq_url) as (proxy, url):
        proxy.cut()
        opening = asyncio.create_task(_open_and_ping(url, asyncio.Event()))
        await asyncio.wait([opening], timeout=0.5)
        assert not opening.done()
        proxy.restore()
        await asyncio.wait_for(opening, 15)


async def test_a_service_can_be_stopped_while_it_waits_for_its_broker(rabbitmq_url: str) -> None:
    stop = asyncio.Event()
    async with open_broker_proxy(rabbitmq_url) as (proxy, url):
        proxy.cut()
        opening = asyncio.create_task(_open_and_ping(url, stop))
        await asyncio.wait([opening], timeout=0.5)
        stop.set()
        with pytest.raises(StoppedWhileStarting):
            await asyncio.wait_for(opening, 15)


async def _open_and_ping(url: str, stop: asyncio.Event) -> None:
    async with open_broker(RabbitSettings(rabbitmq_url=url), "test", stop) as broker:
        await broker.ping()


async def test_a_ping_raises_while_the_broker_is_unreachable(rabbitmq_url: str) -> None:
    async with open_broker_proxy(rabbitmq_url) as (proxy, url), open_runtime(url) as runtime:
        await runtime.broker.ping()
        proxy.cut()
        with pytest.raises(BrokerUnavailable):
            await runtime.broker.ping()
        proxy.restore()
        await runtime.broker.ping()
