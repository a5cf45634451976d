"""The examples in docs/events.md have the fields of real events and webhooks."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from services.aggregator.webhook_policy import body_of_test, new_delivery
from shared.contracts.events import image_event, request_accepted_event, request_finished_event
from shared.contracts.states import RequestStatus
from shared.messaging.codec import encode_event
from tests.support.aggregating import BASE_URL, a_compressed_image, a_failed_image, a_request
from tests.support.tree import ROOT

GUIDE = ROOT / "docs" / "events.md"
TIME = datetime(2026, 11, 22, 12, 0, 0, 123000, UTC)
URL = "http://i/1.jpg"
FINISHED = a_request(
    status=RequestStatus.COMPLETED,
    output_key="outputs/o.csv",
    report_key="outputs/r.csv",
    report_json_key="outputs/r.json",
    failed_key="outputs/f.csv",
    finished_at=TIME,
)


def shown() -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL)]


def test_the_example_of_an_event_has_all_its_fields() -> None:
    envelope = json.loads(encode_event(image_event(a_compressed_image(URL, ended_at=TIME), BASE_URL)).body)

    assert envelope.keys() == shown()[0].keys()
    assert envelope["time"] == shown()[0]["time"]
    assert envelope["data"].keys() == shown()[0]["data"].keys()


def test_the_examples_of_other_events_data_have_all_fields() -> None:
    of_failure, of_acceptance = shown()[1], shown()[2]

    assert image_event(a_failed_image(URL), BASE_URL).data.keys() == of_failure.keys()
    assert request_accepted_event(a_request()).data.keys() == of_acceptance.keys()


def test_the_example_of_the_webhook_has_all_its_fields() -> None:
    body = json.loads(new_delivery(request_finished_event(FINISHED, BASE_URL), "r", "http://shop/hook").body)

    assert body.keys() == shown()[3].keys()
    assert body["timestamp"] == shown()[3]["timestamp"]
    assert body["data"].keys() == shown()[3]["data"].keys()
    assert body["data"]["images"].keys() == shown()[3]["data"]["images"].keys()


def test_the_example_of_a_test_has_all_its_fields() -> None:
    body = json.loads(body_of_test(TIME))

    assert body == shown()[4]


def test_the_example_of_a_receiver_has_at_most_ten_lines() -> None:
    receiver = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[1]

    assert "Webhook(" in receiver
    assert len([line for line in receiver.splitlines() if line.strip()]) <= 10
