"""The oracle finds every kind of violation, and accepts a run in which everything held."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.oracle import Facts, ImageFact, ProcessFacts, RequestFacts, judge

ONE, TWO, MISSING = "http://images.test/1.jpg", "http://images.test/2.jpg", "http://images.test/missing.jpg"
RESULT_ONE, RESULT_TWO = "http://localhost/results/1.jpg", "http://localhost/results/2.jpg"
IMAGES = {
    ONE: ImageFact("compressed", result_url=RESULT_ONE),
    TWO: ImageFact("compressed", result_url=RESULT_TWO),
    MISSING: ImageFact("failed", "http_404"),
}
REQUEST = RequestFacts(
    request_id="request",
    status="Completed",
    round=2,
    products=[[ONE, TWO], [MISSING], [ONE]],
    rows=[("1", [RESULT_ONE, RESULT_TWO]), ("2", [""]), ("3", [RESULT_ONE])],
    images=IMAGES,
    planned={MISSING: "http_404"},
    wants_webhook=True,
    webhooks=["a", "b", "b"],
    accepted_webhooks=["a", "b"],
    end_events=["a", "b"],
)
PROCESS = ProcessFacts(
    "gateway-0",
    {"memory": 90 << 20, "tasks": 20, "descriptors": 40},
    {"memory": 120 << 20, "tasks": 21, "descriptors": 50},
)
FACTS = Facts(
    requests=[REQUEST], payloads={"a": 1}, queues={"imagemill.download": 0}, processes=[PROCESS], exits={"gateway-0": 0}
)


def image(url: str, **changes: Any) -> Mapping[str, Any]:
    return {"images": IMAGES | {url: replace(IMAGES[url], **changes)}}


def test_a_run_in_which_everything_held() -> None:
    verdict = judge(FACTS)
    assert verdict.held
    assert verdict.lost == 0


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("requests end", {"status": "Pending"}),
        ("images end", image(ONE, state="dispatched")),
        ("images end", {"images": {ONE: IMAGES[ONE], TWO: IMAGES[TWO]}}),
        ("no image fails for a fault of ours", image(ONE, state="failed", error_code="worker_lost")),
        ("no image fails for a fault of ours", image(MISSING, error_code="expired")),
        ("no image fails for a fault of ours", image(MISSING, state="compressed", result_url="http://localhost/3")),
        ("no image fails for a fault of ours", image(TWO, state="cancelled", error_code="cancelled")),
        ("slots are in order", {"rows": None}),
        ("slots are in order", {"rows": [REQUEST.rows[0], REQUEST.rows[2]] if REQUEST.rows else None}),
        ("slots are in order", {"rows": [("1", [RESULT_TWO, RESULT_ONE]), ("2", [""]), ("3", [RESULT_ONE])]}),
        ("slots are in order", {"rows": [("1", [RESULT_ONE, ""]), ("2", [""]), ("3", [RESULT_ONE])]}),
        ("slots are in order", {"rows": [("1", [RESULT_ONE, RESULT_TWO]), ("2", []), ("3", [RESULT_ONE])]}),
        ("slots are in order", {"rows": [("2", [""]), ("1", [RESULT_ONE, RESULT_TWO]), ("3", [RESULT_ONE])]}),
        ("published objects can be read", image(ONE, defect="its object is missing")),
        ("one event per round", {"end_events": ["a"]}),
        ("one event per round", {"end_events": ["a", "b", "c"]}),
        ("one webhook per round", {"webhooks": ["a"]}),
        ("one webhook per round", {"webhooks": ["a", "b", "c"], "accepted_webhooks": ["a", "b", "c"]}),
        ("one webhook per round", {"accepted_webhooks": ["a"]}),
        ("one webhook per round", {"wants_webhook": False}),
        ("one webhook per round", {"receiver_is_gone": True, "webhooks": []}),
    ],
)
def test_a_violation_in_a_request(check: str, changes: Mapping[str, Any]) -> None:
    verdict = judge(replace(FACTS, requests=[replace(REQUEST, **changes)]))
    assert verdict.failures[check]
    assert not verdict.held


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("requests are recorded", {"lost_requests": ["another"]}),
        ("an event has one payload", {"payloads": {"a": 2}}),
        ("webhooks are signed", {"bad_signatures": 1}),
        ("queues are empty", {"queues": {"imagemill.lost": 1}}),
        ("dead letters are explained", {"dead": ['{"request_id": "request"}']}),
        ("processes are ready", {"unready": ["gateway-0: broker"]}),
        ("nothing is left in temporary directories", {"temporary": ["imagemill-upload"]}),
        ("no original is left", {"originals": ["originals/request/1"]}),
        ("processes do not grow", {"processes": [replace(PROCESS, end={"memory": 300 << 20})]}),
        ("processes do not grow", {"processes": [replace(PROCESS, end={"tasks": 60})]}),
        ("processes do not grow", {"processes": [replace(PROCESS, end={"descriptors": 200})]}),
        ("processes stop in order", {"exits": {"gateway-0": 1}}),
    ],
)
def test_a_violation_beside_the_requests(check: str, changes: Mapping[str, Any]) -> None:
    verdict = judge(replace(FACTS, **changes))
    assert [name for name, failures in verdict.failures.items() if failures] == [check]


def test_a_cancelled_image_is_accepted_if_a_client_has_cancelled_its_request() -> None:
    cancelled = {TWO: ImageFact("cancelled", "cancelled")}
    rows = [("1", [RESULT_ONE, ""]), ("2", [""]), ("3", [RESULT_ONE])]
    request = replace(REQUEST, status="Cancelled", may_be_cancelled=True, images=IMAGES | cancelled, rows=rows)
    assert judge(replace(FACTS, requests=[request])).held


def test_a_receiver_that_is_gone_may_miss_later_rounds() -> None:
    request = replace(REQUEST, receiver_is_gone=True, webhooks=["a"], accepted_webhooks=[])
    assert judge(replace(FACTS, requests=[request])).held
