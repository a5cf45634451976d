"""Unavailable dependencies and shutdowns: messages are delayed or returned to the queue, and none is lost."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from shared.contracts.messages import Message
from shared.errors import DatabaseUnavailable, DependencyUnavailable
from shared.messaging import Outgoing, Queue, Unproven, list_dead
from tests.support.messaging_runtime import Runtime, is_waiting, open_broker_proxy, open_runtime, waiting_in
from tests.support.recorder import COMMANDS, FOLLOW_UP, Recorder, are_all, downloads
from tests.support.waiting import until


@dataclass
class Database:
    """A dependency whose pings raise `error` until that is None."""

    error: DependencyUnavailable | None = None
    pings: int = 0

    async def ping(self) -> None:
        self.pings += 1
        if self.error is not None:
            raise self.error


@dataclass
class Dependent(Recorder):
    """A handler that needs the database."""

    database: Database = field(default_factory=Database)

    async def __call__(self, message: Message) -> Sequence[Outgoing]:
        self.seen.append(message)
        await self.database.ping()
        self.handled.append(message)
        return self.answer


async def an_outage_with_messages(runtime: Runtime, database: Database) -> None:
    """Messages arrive while the database is away; it comes back when the gate is closed."""
    database.error = DatabaseUnavailable("away")
    await runtime.publisher.publish(COMMANDS)
    await until(lambda: not runtime.gate.is_admitting)
    database.error = None


async def test_messages_are_held_while_a_dependency_is_unavailable(rabbitmq_url: str) -> None:
    database = Database()
    handler = Dependent(database=database)
    async with (
        open_runtime(rabbitmq_url, {"database": database.ping}) as runtime,
        runtime.consuming(downloads(handler)),
    ):
        assert runtime.health.ready
        database.error = DatabaseUnavailable("it was taken away")
        await runtime.publisher.publish(COMMANDS)
        await until(lambda: not runtime.health.ready, what="turning unready")
        assert runtime.health.problems == {"database": "it was taken away"}
        await until(lambda: not runtime.gate.is_open)
        assert handler.handled == []
        database.error = None
        await until(lambda: runtime.health.ready, what="turning ready")
        await until(lambda: len(handler.handled) >= len(COMMANDS))
    assert are_all(handler.handled)
    assert len(handler.handled) == len(COMMANDS)
    assert await waiting_in(rabbitmq_url, Queue.DOWNLOAD) == 0
    assert await list_dead(rabbitmq_url) == []


async def test_a_short_outage_is_retried_without_turning_unready(rabbitmq_url: str) -> None:
    database = Database()
    handler = Dependent(database=database)
    async with (
        open_runtime(rabbitmq_url, {"database": database.ping}) as runtime,
        runtime.consuming(downloads(handler)),
    ):
        database.error = DatabaseUnavailable("for a moment")
        await runtime.publisher.publish(COMMANDS[:1])
        await until(lambda: len(handler.seen) >= 2, what="a second try")
        database.error = None
        await until(lambda: handler.handled == COMMANDS[:1])
        assert runtime.health.ready


async def test_a_dependency_that_answers_only_pings_closes_the_gate_repeatedly(rabbitmq_url: str) -> None:
    database, pings = Database(DatabaseUnavailable("but pings are answered")), Database()
    handler = Dependent(database=database)
    async with (
        open_runtime(rabbitmq_url, {"database": pings.ping}) as runtime,
        runtime.consuming(downloads(handler)),
    ):
        await runtime.publisher.publish(COMMANDS)
        await until(lambda: pings.pings >= 3, what="a third ping")
        database.error = None
        await until(lambda: len(handler.handled) >= len(COMMANDS))
    assert are_all(handler.handled)
    assert len(handler.handled) == len(COMMANDS)


async def test_dropped_messages_do_not_open_a_half_open_gate_and_all_are_handled(rabbitmq_url: str) -> None:
    database = Database()
    handler = Dependent(answer=Unproven(), database=database)
    async with (
        open_runtime(rabbitmq_url, {"database": database.ping}) as runtime,
        runtime.consuming(downloads(handler)),
    ):
        await an_outage_with_messages(runtime, database)
        await until(lambda: are_all(handler.handled))
        assert not runtime.gate.is_open
        handler.answer = []
        await runtime.publisher.publish(COMMANDS[:1])
        await until(lambda: runtime.gate.is_open)


@pytest.fixture
def no_ping_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an outage only the reports of work let other work follow."""
    monkeypatch.setattr("shared.messaging.admission._TRIAL_SECONDS", 600)


UNEXPECTED: list[BaseException] = [ZeroDivisionError(), asyncio.CancelledError("of a library")]


@pytest.mark.usefixtures("no_ping_decides")
@pytest.mark.parametrize("error", UNEXPECTED, ids=repr)
async def test_a_handler_that_fails_unexpectedly_after_an_outage_holds_up_no_other(
    rabbitmq_url: str, error: BaseException
) -> None:
    database, errors = Database(), [error]
    handler = Dependent(database=database)

    async def fail_once(message: Message) -> Sequence[Outgoing]:
        await database.ping()
        if errors:
            raise errors.pop()
        return await handler(message)

    async with (
        open_runtime(rabbitmq_url, {"database": database.ping}) as runtime,
        runtime.consuming(downloads(fail_once)),
    ):
        await an_outage_with_messages(runtime, database)
        await until(lambda: are_all(handler.handled))
    assert errors == []


@pytest.mark.usefixtures("no_ping_decides")
async def test_messages_of_a_lost_channel_hold_up_no_other_after_an_outage(rabbitmq_url: str) -> None:
    database = Database()
    handler = Dependent(database=database)
    async with (
        open_broker_proxy(rabbitmq_url) as (proxy, url),
        open_runtime(url, {"database": database.ping}) as runtime,
        runtime.consuming(downloads(handler)),
    ):
        database.error = DatabaseUnavailable("away")
        await runtime.publisher.publish(COMMANDS)
        await until(lambda: len(handler.seen) == 4)
        await until(lambda: not runtime.gate.is_admitting)
        proxy.drop_connections()
        await until(lambda: "consuming imagemill.download" in runtime.health.problems)
        await until(lambda: "consuming imagemill.download" not in runtime.health.problems)
        database.error = None
        await until(lambda: are_all(handler.handled))


async def test_a_stop_while_a_dependency_is_unavailable_returns_the_messages(rabbitmq_url: str) -> None:
    database = Database()
    async with open_runtime(rabbitmq_url, {"database": database.ping}) as runtime:
        async with runtime.consuming(downloads(Dependent(database=database))) as stop:
            database.error = DatabaseUnavailable("away")
            await runtime.publisher.publish(COMMANDS)
            await until(lambda: not runtime.gate.is_open)
            started_at = time.monotonic()
            stop.set()
        assert time.monotonic() - started_at < 3
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, len(COMMANDS)))


async def test_a_stop_finishes_messages_in_progress_and_leaves_the_rest(rabbitmq_url: str) -> None:
    handler = Recorder(answer=[FOLLOW_UP], hold=asyncio.Event())
    assert handler.hold is not None
    async with open_runtime(rabbitmq_url) as runtime:
        async with runtime.consuming(downloads(handler)) as stop:
            await runtime.publisher.publish(COMMANDS)
            await until(lambda: len(handler.seen) == 4)
            in_progress = list(handler.seen)
            stop.set()
            handler.hold.set()
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, len(COMMANDS) - len(handler.handled)))
    assert all(message in handler.handled for message in in_progress)
    assert await waiting_in(rabbitmq_url, Queue.COMPRESS) == len(handler.handled)


async def test_a_handler_that_exceeds_the_drain_timeout_returns_its_message(rabbitmq_url: str) -> None:
    handler = Recorder(hold=asyncio.Event())
    async with open_runtime(rabbitmq_url, drain_timeout=0.3) as runtime:
        async with runtime.consuming(downloads(handler)):
            await runtime.publisher.publish(COMMANDS)
            await until(lambda: len(handler.seen) == 4)
            started_at = time.monotonic()
        assert time.monotonic() - started_at < 3
        await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, len(COMMANDS)))
    assert handler.handled == []


@pytest.mark.parametrize("silent", [False, True], ids=["connections break", "connections fall silent"])
async def test_a_stop_during_an_outage_ends_in_time(rabbitmq_url: str, silent: bool) -> None:
    handler = Recorder(hold=asyncio.Event())
    assert handler.hold is not None
    async with open_broker_proxy(rabbitmq_url) as (proxy, url):
        async with (
            open_runtime(url, publish_timeout=1, drain_timeout=3) as runtime,
            runtime.consuming(downloads(handler)) as stop,
        ):
            await runtime.publisher.publish(COMMANDS)
            await until(lambda: len(handler.seen) == 4)
            if silent:
                proxy.hold()
            else:
                proxy.cut()
            handler.hold.set()
            started_at = time.monotonic()
            stop.set()
        assert time.monotonic() - started_at < 20
    await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, len(COMMANDS)), within=30)
