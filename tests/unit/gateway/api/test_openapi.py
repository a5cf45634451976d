"""The OpenAPI document: every operation is named, grouped and shown by examples that its schemas allow."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from dev.openapi.document import openapi_document
from services.aggregator.webhook_policy import new_delivery
from services.gateway.api.openapi.operations import catalogue_body
from services.gateway.upload.option_table import UPLOAD_OPTIONS, VALIDATION_OPTIONS
from services.gateway.upload.options import UploadOptions
from services.gateway.web import ProblemType
from shared.contracts.events import request_finished_event
from shared.contracts.messages import CompressOptions
from shared.contracts.states import RequestStatus
from shared.url_policy import AddressPolicy, judge_url
from tests.support.builders import NOW, a_request, output_keys

OPERATIONS = {
    "uploadCatalogue": ("post", "/upload"),
    "validateCatalogue": ("post", "/validate"),
    "getRequestStatus": ("get", "/status"),
    "cancelRequest": ("post", "/requests/{request_id}/cancel"),
    "testWebhook": ("post", "/webhooks/test"),
    "listDeliveries": ("get", "/requests/{request_id}/deliveries"),
    "replayDelivery": ("post", "/requests/{request_id}/deliveries/{delivery_id}/replay"),
    "retryRequest": ("post", "/requests/{request_id}/retry"),
    "getResult": ("get", "/results/{path}"),
    "getOutput": ("get", "/outputs/{path}"),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_operations_are_named_by_verb_and_noun(document: dict[str, Any]) -> None:
    assert {operation["operationId"]: (method, path) for method, path, operation in operations(document)} == OPERATIONS


def test_every_operation_has_a_described_tag(document: dict[str, Any]) -> None:
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    webhooks = [operation for item in document["webhooks"].values() for operation in item.values()]
    used = {tag for operation in webhooks for tag in operation["tags"]}
    used |= {tag for _, _, operation in operations(document) for tag in operation["tags"]}

    assert used == described


def test_the_server_is_where_clients_reach_the_api(document: dict[str, Any]) -> None:
    assert [server["url"] for server in document["servers"]] == ["https://images.shop.test"]
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
    assert document["info"]["contact"]


def test_every_response_with_text_has_an_example(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                shown = "example" in content or content.get("examples")
                assert shown or media_type == "image/*", (path, status, media_type)


def test_every_example_of_a_response_has_the_members_that_its_schema_requires(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                shown = [example["value"] for example in content.get("examples", {}).values()]
                for example in [*shown, *([content["example"]] if "example" in content else [])]:
                    faults = [] if media_type == "text/csv" else missing_members(document, content["schema"], example)
                    assert not faults, (path, status)


def missing_members(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        return [fault for each in value for fault in missing_members(document, schema.get("items", {}), each)]
    if not isinstance(value, dict):
        return []
    choices = [missing_members(document, choice, value) for key in ("anyOf", "oneOf") for choice in schema.get(key, [])]
    missing = [name for name in schema.get("required", []) if name not in value]
    for name, member in value.items():
        missing += missing_members(document, schema.get("properties", {}).get(name, {}), member)
    return missing + min(choices, key=len, default=[])


def test_the_examples_of_a_route_fit_it(document: dict[str, Any]) -> None:
    test = document["paths"]["/webhooks/test"]["post"]["responses"]
    shown = {
        slug: example["value"]["detail"]
        for response in test.values()
        for slug, example in response["content"].get("application/problem+json", {}).get("examples", {}).items()
    }
    assert "32,768" in shown["too-large"]
    assert "application/json" in shown["content-type"]
    assert "webhook was not called" in shown["unavailable"]
    for path in set(document["paths"]) - {"/status", "/upload", "/validate"}:
        [operation] = document["paths"][path].values()
        refused = operation["responses"]["422"]["content"]["application/problem+json"]["examples"]["parameter"]
        assert "is not a query parameter of" in refused["value"]["detail"], path


def test_the_example_of_a_finding_is_worded_as_the_gateway_words_it(document: dict[str, Any]) -> None:
    fault = judge_url("lamp.png", AddressPolicy()).fault
    assert fault is not None
    assert json.dumps(fault.detail) in json.dumps(document)
    assert json.dumps(fault.advice) in json.dumps(document)


def test_every_problem_of_an_operation_is_shown_under_its_status(document: dict[str, Any]) -> None:
    shown = set()
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            problems = response.get("content", {}).get("application/problem+json", {})
            for slug, example in problems.get("examples", {}).items():
                assert example["value"]["status"] == int(status)
                assert example["value"]["type"].endswith(f":{slug}")
                shown.add(slug)

    framework_s_own = {ProblemType.METHOD_NOT_ALLOWED.slug, ProblemType.INTERNAL.slug}
    assert shown == {type_.slug for type_ in ProblemType} - framework_s_own


@pytest.mark.parametrize("status", [status for status in RequestStatus if status is not RequestStatus.PENDING])
def test_a_webhook_s_example_has_the_fields_that_are_sent(document: dict[str, Any], status: RequestStatus) -> None:
    request = a_request(status=status, finished_at=NOW, **asdict(output_keys()))
    event = request_finished_event(request, "https://images.shop.test")
    sent = json.loads(new_delivery(event, request.request_id, "https://hooks.test/").body)

    content = document["webhooks"][event.type]["post"]["requestBody"]["content"]["application/json"]

    assert field_names(content["example"]) == field_names(sent)
    assert content["example"]["type"] == event.type
    assert content["schema"] == {"$ref": "#/components/schemas/WebhookMessage"}


def field_names(part: Any) -> Any:
    return {name: field_names(value) for name, value in part.items()} if isinstance(part, dict) else None


@pytest.mark.parametrize("options", [UPLOAD_OPTIONS, VALIDATION_OPTIONS])
def test_every_option_is_described_once_as_a_form_field(options: tuple[str, ...]) -> None:
    described = catalogue_body(UploadOptions(CompressOptions(percent=70, max_width=2000)), options)
    form = described["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]

    assert set(form) == {"file", *options}
    assert "parameters" not in described
    assert all(schema["description"] for schema in form.values())


@pytest.mark.parametrize("options", [UPLOAD_OPTIONS, VALIDATION_OPTIONS])
def test_no_optional_field_has_an_example_or_another_default_than_the_operator_s(options: tuple[str, ...]) -> None:
    described = catalogue_body(UploadOptions(CompressOptions(percent=70, max_width=2000)), options)
    form = described["requestBody"]["content"]["multipart/form-data"]["schema"]
    fields = {name: schema for name, schema in form["properties"].items() if name not in form["required"]}

    assert not any(schema.keys() & {"example", "examples"} for schema in fields.values())
    assert {name: schema["default"] for name, schema in fields.items() if "default" in schema} == {
        "percent": 70,
        "mode": "size",
        "format": "keep",
        "max_width": 2000,
        "min_quality": 30,
        "allow_resize": True,
        "metadata": "strip",
        "profile": "auto",
        "on_invalid": "skip",
        **({"dry_run": False} if "dry_run" in options else {}),
    }
    assert fields["allow_resize"]["description"].endswith("Default: `true`.")
