"""Reports are sent together, without items only as signs of life, and are lost with the broker."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from shared.contracts.messages import MAX_REPORTED, RecordedResult, Report, ResultsRecorded
from shared.errors import BrokerUnavailable
from shared.messaging import Outgoing, ReportSender, worker_reports
from shared.messaging import reports as reports_module
from shared.messaging.publisher import ForDispatcher
from shared.observability import Health
from tests.support.waiting import until


class Broker:
    """Collects the items of each report."""

    def __init__(self) -> None:
        self.reports: list[list[str]] = []
        self.is_away = False
        self.lost = 0

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        if self.is_away:
            self.lost += 1
            raise BrokerUnavailable("away")
        for each in outgoing:
            assert isinstance(each, ForDispatcher)
            assert isinstance(each.report, ResultsRecorded)
            self.reports.append([item.image_id for item in each.report.recorded])


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports_module, "SIGN_OF_LIFE_SECONDS", 0.02)
    monkeypatch.setattr(reports_module, "_BEAT_SECONDS", 0.01)


def build(recorded: tuple[RecordedResult, ...]) -> Report:
    return ResultsRecorded(recorded=recorded)


def item(name: str) -> RecordedResult:
    return RecordedResult(request_id="r", image_id=name, round=1, dispatch=1, decoder_ms=1)


@asynccontextmanager
async def running(sender: ReportSender[RecordedResult]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(sender.run(stop, Health()))
    try:
        yield
    finally:
        stop.set()
        await task


def a_sender(broker: Broker, *, signs_of_life: bool = False) -> ReportSender[RecordedResult]:
    return ReportSender(broker.publish, build, signs_of_life=signs_of_life)


async def test_what_is_added_together_is_one_report() -> None:
    broker = Broker()
    sender = a_sender(broker)
    async with running(sender):
        for name in "abc":
            sender.add(item(name))
        await until(lambda: broker.reports == [["a", "b", "c"]])
        sender.add(item("d"))
        await until(lambda: broker.reports == [["a", "b", "c"], ["d"]])


async def test_what_is_added_soon_after_a_report_waits_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports_module, "_INTERVAL_SECONDS", 0.5)
    broker = Broker()
    sender = a_sender(broker)
    async with running(sender):
        sender.add(item("a"))
        await until(lambda: broker.reports == [["a"]])
        sender.add(item("b"))
        await asyncio.sleep(0.1)
        sender.add(item("c"))
        await until(lambda: broker.reports == [["a"], ["b", "c"]])


async def test_a_worker_reports_although_there_is_nothing_to_report() -> None:
    broker, built = Broker(), list[tuple[str, int]]()

    def with_worker(worker: str, slots: int, items: tuple[RecordedResult, ...]) -> Report:
        built.append((worker, slots))
        return build(items)

    async with running(worker_reports(broker.publish, 7, with_worker)):
        await until(lambda: broker.reports == [[], [], []])
    ((worker, slots),) = set(built)
    assert worker
    assert slots == 7


async def test_without_signs_of_life_an_empty_report_is_not_sent() -> None:
    broker = Broker()
    async with running(a_sender(broker)):
        await asyncio.sleep(0.2)  # shows that nothing is sent
    assert broker.reports == []


async def test_a_report_that_the_broker_does_not_take_is_lost_and_later_ones_are_sent() -> None:
    broker = Broker()
    sender = a_sender(broker)
    async with running(sender):
        broker.is_away = True
        sender.add(item("lost"))
        await until(lambda: broker.lost == 1)
        broker.is_away = False
        sender.add(item("sent"))
        await until(lambda: broker.reports == [["sent"]])


async def test_the_oldest_are_forgotten_beyond_what_one_report_may_contain() -> None:
    broker = Broker()
    sender = a_sender(broker)
    for number in range(MAX_REPORTED + 2):
        sender.add(item(str(number)))
    async with running(sender):
        await until(lambda: bool(broker.reports))
    ((first, *others),) = broker.reports
    assert first == "2"
    assert len(others) == MAX_REPORTED - 1
