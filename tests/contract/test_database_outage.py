"""Every method raises DatabaseUnavailable while the database does not answer."""

import asyncio
import inspect

from shared.errors import DatabaseUnavailable
from shared.persistence import (
    CancellationRepository,
    DeliveryRepository,
    HostRepository,
    ImageRepository,
    Lease,
    OutageRepository,
    ProductRepository,
    RequestRepository,
)
from tests.contract.conftest import Subject
from tests.support.database_calls import CALLS

PROTOCOLS = {
    "requests": RequestRepository,
    "cancellations": CancellationRepository,
    "products": ProductRepository,
    "images": ImageRepository,
    "deliveries": DeliveryRepository,
    "hosts": HostRepository,
    "outages": OutageRepository,
    "lease": Lease,
}


def test_calls_contains_every_method() -> None:
    methods = {
        f"{room}.{name}"
        for room, protocol in PROTOCOLS.items()
        for name, _ in inspect.getmembers(protocol, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods | {"ping", "delete_request", "orphaned_requests"} == set(CALLS)


async def test_every_method_raises_database_unavailable_in_an_outage(subject: Subject) -> None:
    subject.take_away()
    answers = await asyncio.gather(*(call(subject.database) for call in CALLS.values()), return_exceptions=True)
    others = {name: answer for name, answer in zip(CALLS, answers, strict=True) if not _is_outage(answer)}
    assert others == {}


def _is_outage(answer: object) -> bool:
    return isinstance(answer, DatabaseUnavailable)
