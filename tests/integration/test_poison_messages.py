"""Messages whose AMQP properties or headers are invalid stop no consumer, and valid messages are handled."""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiormq
import pytest
from aiormq.abc import AbstractChannel
from pamqp.commands import Basic

from services.aggregator.dead_letters import main
from shared.contracts.messages import DownloadImage
from shared.messaging import DEAD_EXCHANGE, Queue, Subscription, list_dead
from shared.settings import RabbitSettings
from tests.support.messaging_runtime import is_waiting, open_runtime
from tests.support.recorder import COMMANDS, Recorder, are_all, downloads
from tests.support.waiting import until

NOT_UTF8 = b"\x04\xff\xfe\xc3\x28"  # a short string of four bytes
LONG = b"\xff" + b"\xff" * 255
TYPE = b"\x0dDownloadImage"


class Raw(Basic.Properties):
    """Properties that are sent as these bytes."""

    def __init__(self, flags: int, data: bytes) -> None:
        super().__init__(message_id="set, so that the library adds none")
        self._raw = struct.pack(">H", flags) + data

    def marshal(self) -> bytes:
        return self._raw


def table(content: bytes, length: int | None = None) -> bytes:
    return struct.pack(">I", len(content) if length is None else length) + content


SHORT_STRINGS = (
    "content_type", "content_encoding", "correlation_id", "reply_to", "expiration", "message_id", "message_type",
    "user_id", "app_id", "cluster_id",
)  # fmt: skip


def invalid_properties() -> Iterator[tuple[str, Raw]]:
    flag_of = Basic.Properties.flags
    for name in SHORT_STRINGS:
        yield f"{name} not UTF-8", Raw(flag_of[name], NOT_UTF8)
        yield f"{name} long", Raw(flag_of[name], LONG)
        yield f"{name} cut off", Raw(flag_of[name], b"\xff12")
    for value in (b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\0\0\0"):
        yield f"timestamp {value!r}", Raw(flag_of["timestamp"], value)
    for name in ("priority", "delivery_mode"):
        yield f"{name} 255", Raw(flag_of[name], b"\xff")
        yield f"{name} missing", Raw(flag_of[name], b"")
    deep = b""
    for _ in range(2000):
        deep = b"\x01aF" + table(deep)
    for name, content in {
        "key not UTF-8": table(b"\x01\xffI\0\0\0\1"),
        "value not UTF-8": table(b"\x01aS\0\0\0\2\xff\xfe"),
        "unknown kind": table(b"\x01aZ\0\0\0\1"),
        "count is a string": table(b"\x10x-delivery-countS\0\0\0\3ten"),
        "failures are a string": table(b"\x12imagemill-failuresS\0\0\0\3ten"),
        "late time": table(b"\x01aT\x7f" + b"\xff" * 7),
        "decimal": table(b"\x01aD\xff\xff\xff\xff\xff"),
        "deep": table(deep),
        "too long": table(b"\x01aI\0\0\0\1", length=2**31),
        "too short": table(b"\x01aI\0\0\0\1", length=3),
    }.items():
        yield f"headers: {name}", Raw(flag_of["headers"], content)
    yield "all flags, no data", Raw(0xFFFC, b"")
    yield (
        "valid type, headers with an invalid key",
        Raw(flag_of["headers"] | flag_of["message_type"], table(b"\x01\xffI\0\0\0\1") + TYPE),
    )


@asynccontextmanager
async def a_stranger(url: str) -> AsyncIterator[AbstractChannel]:
    connection = await aiormq.connect(url)
    try:
        yield await connection.channel(publisher_confirms=True, on_return_raises=False)
    finally:
        await connection.close()


async def publish(
    url: str, properties: Raw, *, exchange: str = "", routing_key: str = Queue.DOWNLOAD, body: bytes = b"{}"
) -> bool:
    """False if the broker refuses the message."""
    try:
        async with asyncio.timeout(2), a_stranger(url) as channel:
            await channel.basic_publish(body, exchange=exchange, routing_key=routing_key, properties=properties)
    except (aiormq.exceptions.AMQPError, OSError, asyncio.CancelledError):
        return False
    return True


async def test_invalid_properties_stop_no_consumer(rabbitmq_url: str) -> None:
    handler = Recorder()
    async with open_runtime(rabbitmq_url) as runtime, runtime.consuming(downloads(handler)):
        accepted = {name: await publish(rabbitmq_url, raw) for name, raw in invalid_properties()}
        await runtime.publisher.publish(COMMANDS)
        await until(lambda: are_all(handler.handled), what="the valid messages")
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, 0), what="an empty queue")
        await until(lambda: is_waiting(rabbitmq_url, Queue.DEAD, sum(accepted.values())), what="parked messages")
        assert runtime.health.ready, runtime.health.problems
    assert accepted["message_type not UTF-8"]
    assert sum(accepted.values()) > 20, accepted
    letters = await list_dead(rabbitmq_url)
    assert all(letter.queue == Queue.DOWNLOAD and letter.reason for letter in letters)
    assert len(letters) == sum(accepted.values())


async def test_invalid_lost_commands_and_routing_keys_stop_no_consumer(
    rabbitmq_url: str,
) -> None:
    handler = Recorder()
    lost = Subscription(Queue.LOST, (DownloadImage,), handler, 2, park_unknown=False)
    async with open_runtime(rabbitmq_url) as runtime, runtime.consuming(lost):
        for _, raw in invalid_properties():
            await publish(rabbitmq_url, raw, exchange=DEAD_EXCHANGE, routing_key="anything")
        assert await publish_with_invalid_key(rabbitmq_url)
        async with a_stranger(rabbitmq_url) as channel:
            valid = Basic.Properties(message_type="DownloadImage")
            body = COMMANDS[0].model_dump_json().encode()
            await channel.basic_publish(body, exchange=DEAD_EXCHANGE, properties=valid)
        await until(lambda: handler.handled == [COMMANDS[0]], what="the valid command")
        await until(lambda: is_waiting(rabbitmq_url, Queue.LOST, 0), what="an empty queue")
        assert runtime.health.ready, runtime.health.problems


async def publish_with_invalid_key(url: str) -> bool:
    """Publish to the fanout exchange of dead letters with a routing key that is not UTF-8."""

    class Key(str):
        def encode(self, *_: object, **__: object) -> bytes:
            return b"\xff\xfe"

    try:
        async with asyncio.timeout(2), a_stranger(url) as channel:
            await channel.basic_publish(b"{}", exchange=DEAD_EXCHANGE, routing_key=Key("a key"))
    except (aiormq.exceptions.AMQPError, OSError, asyncio.CancelledError):
        return False
    return True


async def test_undecodable_letters_are_listed_replayed_and_purged(
    rabbitmq_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = RabbitSettings(rabbitmq_url=rabbitmq_url)

    async def command(*arguments: str) -> str:
        await asyncio.to_thread(main, arguments, settings)
        return capsys.readouterr().out

    async with open_runtime(rabbitmq_url):
        accepted = [await publish(rabbitmq_url, raw, exchange=DEAD_EXCHANGE) for _, raw in invalid_properties()]
        count = sum(accepted)
        assert f"{count} messages are parked." in await command()
        assert await command("--replay") == "0 messages were sent again.\n"
        [first, *others] = await list_dead(rabbitmq_url)
        equal = 1 + sum(letter.letter_id == first.letter_id for letter in others)
        assert await command("--purge", first.letter_id) == f"{equal} messages were removed.\n"
        assert await command("--purge") == f"{count - equal} messages were removed.\n"
        await until(lambda: is_waiting(rabbitmq_url, Queue.DEAD, 0))


async def test_a_listed_letter_has_no_credentials(rabbitmq_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    body = b'{"test_id": "t", "url": "https://me:secret@hooks.test/"}'
    async with open_runtime(rabbitmq_url):
        assert await publish(rabbitmq_url, Raw(0, b""), exchange=DEAD_EXCHANGE, body=body)
        await asyncio.to_thread(main, [], RabbitSettings(rabbitmq_url=rabbitmq_url))

    listed = capsys.readouterr().out
    assert "hooks.test" in listed
    assert "secret" not in listed
