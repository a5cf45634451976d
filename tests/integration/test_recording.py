"""Results that cannot be recorded delay no other result; on a real database and broker."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aio_pika
import pytest

from shared.contracts.events import PublicEvent
from shared.contracts.messages import (
    ImageCompressed,
    ImageDeferred,
    ImageFailed,
    Message,
    RecordedResult,
    Report,
    ResultsRecorded,
)
from shared.contracts.records import Image
from shared.contracts.states import ImageState
from shared.messaging import COMMANDS_EXCHANGE, Queue, ReportSender, Subscription, list_dead
from shared.persistence import Database, open_database
from shared.settings import MongoSettings
from tests.support.aggregating import a_recorder, a_request, an_image
from tests.support.builders import REQUEST_ID
from tests.support.messaging_runtime import open_runtime
from tests.support.reports import reports_to
from tests.support.waiting import until
from tests.support.worker_messages import compressed, deferred, failed

HONEST, BAD = 20, 3
TOO_LARGE = 2**70


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def database(mongodb_url: str) -> AsyncIterator[Database]:
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        yield database


async def insert_dispatched(database: Database, number: int) -> list[Image]:
    deadline = utc_now() + timedelta(days=1)
    images = [
        an_image(f"http://images.test/{each}.jpg", deadline=deadline, state=ImageState.PENDING, dispatch=0)
        for each in range(number)
    ]
    await database.requests.insert(a_request())
    await database.images.insert_many(images)
    await database.images.mark_dispatched(images)
    return images


async def states(database: Database) -> list[ImageState]:
    """Of the images that are no longer dispatched."""
    progress = await database.images.count(REQUEST_ID)
    return [ImageState.COMPRESSED] * progress.compressed + [ImageState.FAILED] * progress.failed


async def test_a_result_that_the_database_cannot_hold_fails_alone(database: Database) -> None:
    """As a result of a bug of ours would: past the bounds of the messages, in one batch with others."""
    images = await insert_dispatched(database, HONEST + BAD)
    impossible: list[ImageDeferred | ImageCompressed] = [
        deferred(image).model_copy(update={"dispatch": TOO_LARGE}) for image in images[:BAD]
    ]
    valid: list[ImageDeferred | ImageCompressed] = [compressed(image) for image in images[BAD:]]

    results = await asyncio.gather(
        *map(database.images.record, [*valid[:7], *impossible, *valid[7:]]), return_exceptions=True
    )

    failures = [result for result in results if isinstance(result, BaseException)]
    assert [type(failure) for failure in failures] == [OverflowError] * BAD
    assert await states(database) == [ImageState.COMPRESSED] * HONEST


def with_impossible_number(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message.model_dump_json())
    body["result"]["bytes_in"] = TOO_LARGE
    return body


async def send_raw(rabbitmq_url: str, type_: str, body: dict[str, Any]) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
        exchange = await channel.get_exchange(COMMANDS_EXCHANGE, ensure=False)
        await exchange.publish(aio_pika.Message(json.dumps(body).encode(), type=type_), Queue.RESULTS)


async def test_an_impossible_number_in_a_result_is_parked_and_the_results_beside_it_are_recorded(
    database: Database, rabbitmq_url: str
) -> None:
    images = await insert_dispatched(database, HONEST + 1)
    types = (ImageCompressed, ImageFailed, ImageDeferred)
    async with open_runtime(rabbitmq_url) as runtime:
        await send_raw(rabbitmq_url, "ImageCompressed", with_impossible_number(compressed(images[0])))
        await runtime.publisher.publish([compressed(image) for image in images[1:]])
        subscription = Subscription(Queue.RESULTS, types, a_recorder(database), HONEST + 1)
        async with runtime.consuming(subscription):
            await until(partial(all_recorded, database), what="the valid results are recorded")
            await until(partial(is_parked, rabbitmq_url), what="the impossible result is parked")
        assert (
            runtime.counted("imagemill_messages_handled_total", queue="imagemill.results", outcome="handled") == HONEST
        )


async def test_each_result_is_reported_after_it_is_recorded(database: Database, rabbitmq_url: str) -> None:
    """Also one that changes nothing, and one of a cancelled image."""
    ended, bad, late, cancelled = await insert_dispatched(database, 4)
    await database.images.record(compressed(late))
    results: list[Message] = [compressed(ended), failed(bad, decoder_ms=30), deferred(late), deferred(cancelled)]
    reported: dict[str, int] = {}

    def take(report: Report) -> None:
        assert isinstance(report, ResultsRecorded)
        reported.update({each.image_id: each.decoder_ms for each in report.recorded})

    async with open_runtime(rabbitmq_url) as runtime, reports_to(take, runtime.broker):
        reports = ReportSender(runtime.publisher.publish, _results_recorded, signs_of_life=False)
        sending = asyncio.create_task(reports.run(stop := asyncio.Event(), runtime.health))
        types = (ImageCompressed, ImageFailed, ImageDeferred)
        async with runtime.consuming(Subscription(Queue.RESULTS, types, a_recorder(database, reports.add), 4)):
            await runtime.publisher.publish(results[:3])
            await until(lambda: len(reported) == 3, what="the results are reported")
            progress = await database.images.count(REQUEST_ID)
            assert (progress.compressed, progress.failed) == (2, 1)
            assert await database.cancellations.begin(REQUEST_ID)
            await database.cancellations.cancel_images(REQUEST_ID, 1, 10)
            await runtime.publisher.publish(results[3:])
            await until(lambda: cancelled.image_id in reported, what="the result of the cancelled image is reported")
        stop.set()
        await sending
    assert reported == {ended.image_id: 34, bad.image_id: 30, late.image_id: 0, cancelled.image_id: 0}


def _results_recorded(recorded: tuple[RecordedResult, ...]) -> ResultsRecorded:
    return ResultsRecorded(recorded=recorded)


async def all_recorded(database: Database) -> bool:
    return await states(database) == [ImageState.COMPRESSED] * HONEST


async def is_parked(rabbitmq_url: str) -> bool:
    parked = await list_dead(rabbitmq_url)
    return [(letter.queue, "bytes_in" in letter.reason) for letter in parked] == [(Queue.RESULTS, True)]


async def test_a_failure_delivered_again_after_a_retry_publishes_the_event_of_its_round(database: Database) -> None:
    """The aggregator dies after it has recorded the failure; the message is not acknowledged."""
    [image] = await insert_dispatched(database, 1)
    message = failed(image)
    lost = await a_recorder(database)(message)
    moved = [moved async for moved in database.images.retry_failed(REQUEST_ID, 2)]
    assert moved == [1]

    again = await a_recorder(database)(message)

    events = [each for each in again if isinstance(each, PublicEvent)]
    assert [event.event_id for event in events] == [f"{REQUEST_ID}:1:{image.image_id}:image.failed"]
    assert events == [each for each in lost if isinstance(each, PublicEvent)]
