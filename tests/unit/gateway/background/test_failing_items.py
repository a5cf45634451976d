"""An item that fails is passed over for a while, which grows; a dependency's fault is no fault of the item."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.background.failing_items import FailingItems
from shared.errors import DatabaseUnavailable
from shared.observability import Metrics


class Fixture:
    def __init__(self) -> None:
        self.now = 0.0
        self.registry = CollectorRegistry()
        self.items = FailingItems("sweep", Metrics(self.registry), clock=lambda: self.now)

    def fail(self, item: str, error: BaseException) -> None:
        with self.items.attempt(item):
            raise error

    def counted(self) -> float | None:
        return self.registry.get_sample_value("imagemill_background_items_failed_total", {"step": "sweep"})


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


async def test_an_item_that_fails_is_passed_over_for_longer_each_time_until_it_succeeds(fixture: Fixture) -> None:
    for pause in (5, 10, 20):
        assert "bad" not in fixture.items
        fixture.fail("bad", ZeroDivisionError())
        fixture.now += pause - 0.1
        assert fixture.items.passed_over() == ["bad"]
        fixture.now += 0.1
    with fixture.items.attempt("bad"):
        pass
    fixture.fail("bad", asyncio.CancelledError())
    fixture.now += 5
    assert fixture.items.passed_over() == []
    assert fixture.counted() == 4


async def test_the_fault_of_a_dependency_fails_the_step(fixture: Fixture) -> None:
    with pytest.raises(DatabaseUnavailable):
        fixture.fail("item", DatabaseUnavailable("away"))
    assert "item" not in fixture.items
    assert not fixture.counted()


async def test_the_oldest_of_too_many_items_are_forgotten(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.background.failing_items._MAX_REMEMBERED", 2)
    for item in ("1", "2", "3"):
        fixture.fail(item, ZeroDivisionError())
    assert fixture.items.passed_over() == ["2", "3"]
