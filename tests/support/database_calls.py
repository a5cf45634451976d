"""One call of every method of the database, for tests that apply to all of them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.contracts.deliveries import DeliveryState
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit, Product, Progress, Request
from shared.persistence import Database
from tests.support.builders import (
    NOW,
    a_delivery,
    a_product,
    a_request,
    an_announcement,
    an_attempt,
    an_image,
    finished,
)
from tests.support.worker_messages import compressed

DONE = Progress(total=1, compressed=1, failed=0, pending=0, as_of=NOW)
DELIVERY = a_delivery("a:1:request.completed", replay_at=NOW)
IMAGE = an_image(request_id="a")
FINISHED = finished(a_request("a"), DONE)
ANNOUNCEMENT = an_announcement(FINISHED)
HOST = HostCircuit("a.test", failures=3, pauses=0, paused_until=None, error_code=ErrorCode.HTTP_5XX)


async def _read_products(database: Database) -> list[Product]:
    return [product async for batch in database.products.batches("a") for product in batch]


async def _expired(database: Database) -> list[str]:
    return [request_id async for request_id in database.requests.expired()]


async def _result_keys(database: Database) -> list[str]:
    return [key async for key in database.images.result_keys("a")]


async def _finished(database: Database) -> list[Request]:
    return [request async for request in database.requests.finished()]


async def _orphaned(database: Database) -> list[str]:
    return [request_id async for request_id in database.orphaned_requests()]


async def _retry_failed(database: Database) -> int:
    return sum([moved async for moved in database.images.retry_failed("a", 2)])


CALLS: dict[str, Callable[[Database], Awaitable[object]]] = {
    "ping": lambda database: database.ping(),
    "requests.insert": lambda database: database.requests.insert(a_request("a")),
    "requests.get": lambda database: database.requests.get("a"),
    "requests.current": lambda database: database.requests.current("a"),
    "requests.open_intakes": lambda database: database.requests.open_intakes(),
    "requests.save_intake": lambda database: database.requests.save_intake("a", 1, 1),
    "requests.close_intake": lambda database: database.requests.close_intake("a", 1, DONE),
    "requests.claim_stranded": lambda database: database.requests.claim_stranded(),
    "requests.finish": lambda database: database.requests.finish(FINISHED, ANNOUNCEMENT),
    "requests.add_missing_announcement": lambda database: database.requests.add_missing_announcement("a", ANNOUNCEMENT),
    "requests.remove_announcement": lambda database: database.requests.remove_announcement("a", ANNOUNCEMENT.event_id),
    "requests.retry": lambda database: database.requests.retry("a", 1, DONE),
    "requests.expired": _expired,
    "requests.begin_removal": lambda database: database.requests.begin_removal("a"),
    "requests.expire": lambda database: database.requests.expire("a"),
    "requests.give_retention": lambda database: database.requests.give_retention(30),
    "requests.uncleaned": lambda database: database.requests.uncleaned(NOW),
    "requests.mark_cleaned": lambda database: database.requests.mark_cleaned("a", 1),
    "requests.existing": lambda database: database.requests.existing(["a"]),
    "requests.finished": _finished,
    "orphaned_requests": _orphaned,
    "requests.count_open": lambda database: database.requests.count_open(),
    "cancellations.begin": lambda database: database.cancellations.begin("a"),
    "cancellations.in_progress": lambda database: database.cancellations.in_progress(),
    "cancellations.requested_since": lambda database: database.cancellations.requested_since(NOW),
    "cancellations.cancel_images": lambda database: database.cancellations.cancel_images("a", 1, 10),
    "delete_request": lambda database: database.delete_request("b"),
    "products.insert_many": lambda database: database.products.insert_many([a_product(1, (), "a")]),
    "products.batches": _read_products,
    "products.save_outputs": lambda database: database.products.save_outputs("a", 1, [(1, [""])]),
    "images.insert_many": lambda database: database.images.insert_many([IMAGE]),
    "images.find": lambda database: database.images.find("a", [IMAGE.image_id]),
    "images.count": lambda database: database.images.count("a"),
    "images.result_keys": _result_keys,
    "images.summary": lambda database: database.images.summary("a"),
    "images.none_open": lambda database: database.images.none_open("a"),
    "images.record": lambda database: database.images.record(compressed(IMAGE)),
    "images.requests_with_pending": lambda database: database.images.requests_with_pending(),
    "images.reusable": lambda database: database.images.reusable(["0" * 32, "1" * 32], NOW),
    "images.dispatched": lambda database: database.images.dispatched(),
    "images.due": lambda database: database.images.due("a", 1),
    "images.due_by_host": lambda database: database.images.due_by_host("a", 1, without_hosts=["x"], after_host="a"),
    "images.due_at_hosts": lambda database: database.images.due_at_hosts("a", 1, hosts=["x"]),
    "images.expired": lambda database: database.images.expired(
        "images.test", deadline_by=NOW, untried_since=NOW, limit=1
    ),
    "images.count_pending_at_hosts": lambda database: database.images.count_pending_at_hosts("a", ["images.test"]),
    "images.hosts_with_pending": lambda database: database.images.hosts_with_pending(["host-0"]),
    "images.mark_dispatched": lambda database: database.images.mark_dispatched([IMAGE]),
    "images.postpone": lambda database: database.images.postpone([IMAGE], NOW),
    "images.postpone_expiry": lambda database: database.images.postpone_expiry([IMAGE], NOW),
    "images.return_lost": lambda database: database.images.return_lost(NOW),
    "images.count_pending": lambda database: database.images.count_pending(),
    "images.count_retryable": lambda database: database.images.count_retryable("a"),
    "images.retry_failed": _retry_failed,
    "deliveries.put": lambda database: database.deliveries.put(DELIVERY),
    "deliveries.get": lambda database: database.deliveries.get(DELIVERY.delivery_id),
    "deliveries.any_pending": lambda database: database.deliveries.any_pending("a"),
    "deliveries.claim_due": lambda database: database.deliveries.claim_due(),
    "deliveries.claim": lambda database: database.deliveries.claim(DELIVERY.delivery_id, NOW + timedelta(minutes=1)),
    "deliveries.of_request": lambda database: database.deliveries.of_request("a"),
    "deliveries.claim_next": lambda database: database.deliveries.claim_next("shop.test"),
    "deliveries.claim_replay": lambda database: database.deliveries.claim_replay(
        DELIVERY.delivery_id, NOW + timedelta(minutes=1)
    ),
    "deliveries.record_attempt": lambda database: database.deliveries.record_attempt(
        DELIVERY.delivery_id, 1, an_attempt(), state=DeliveryState.ABANDONED, due_at=None
    ),
    "deliveries.request_replay": lambda database: database.deliveries.request_replay(DELIVERY.delivery_id),
    "deliveries.record_replay": lambda database: database.deliveries.record_replay(DELIVERY.delivery_id, an_attempt()),
    "deliveries.disable": lambda database: database.deliveries.disable("a", "a:1:done"),
    "deliveries.enable": lambda database: database.deliveries.enable("a"),
    "deliveries.count_overdue": lambda database: database.deliveries.count_overdue(),
    "deliveries.postpone": lambda database: database.deliveries.postpone("shop.test", "https://shop.test/hook", NOW),
    "outages.observe": lambda database: database.outages.observe(working=True, longer_than=timedelta(0)),
    "hosts.get": lambda database: database.hosts.get("a.test"),
    "hosts.circuits": lambda database: database.hosts.circuits(),
    "hosts.not_closed": lambda database: database.hosts.not_closed(),
    "hosts.save": lambda database: database.hosts.save(HOST, instead_of=HOST),
    "hosts.close": lambda database: database.hosts.close("a.test"),
    "lease.acquire": lambda database: database.lease("a", 1).acquire(),
    "lease.release": lambda database: database.lease("a", 1).release(),
}
"""By the method's name."""
