"""Parts of operations: parameters, upload bodies, responses with examples, and the problems that a route can answer."""

import json
from collections.abc import Collection, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel

from services.gateway.api.openapi import examples
from services.gateway.probe import NDJSON, EstimateLine, ProbeLine, ValidationLine
from services.gateway.upload import CSV_TYPES, FORM_TYPE, OPTIONS, UploadOptions
from services.gateway.web import DELIVERY_ID, PROBLEM_MEDIA_TYPE, REQUEST_ID, Problem, ProblemDocument, ProblemType
from services.gateway.webhooks import FIELD_TYPES

PROBE_LINES: tuple[type[BaseModel], ...] = (ValidationLine, ProbeLine, EstimateLine)
_PROBLEMS = examples.problem_examples()


def reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _parameter(name: str, where: Literal["path", "query"], description: str, example: str) -> dict[str, Any]:
    """A parameter that the route reads by itself: with one that FastAPI reads, FastAPI describes a 422 of its own."""
    parameter = {
        "name": name,
        "in": where,
        "required": True,
        "schema": {"type": "string"},
        "description": description,
        "example": example,
    }
    return {"parameters": [parameter]}


_REQUEST_ID = "The id that the upload returned, in any case."
REQUEST = _parameter("request_id", "path", _REQUEST_ID, REQUEST_ID)
REQUEST_IN_QUERY = _parameter("request_id", "query", _REQUEST_ID, REQUEST_ID)
DELIVERY = {
    "parameters": [
        *REQUEST["parameters"],
        *_parameter("delivery_id", "path", "The id of the delivery, as the list shows it.", DELIVERY_ID)["parameters"],
    ]
}
_PATH = "The rest of the URL, as in the output CSV and the status."
RESULT = _parameter("path", "path", _PATH, f"{REQUEST_ID}/oak-1-0123456789abcdef.jpg")
OUTPUT = _parameter("path", "path", _PATH, f"{REQUEST_ID}/1/products-compressed.csv")

_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds after which to query the status.", "schema": {"type": "integer"}}
}
ACCEPTED_HEADERS = {
    "Location": {"description": "The URL of the status.", "schema": {"type": "string"}},
    **_RETRY_AFTER,
}
UNKNOWN_QUERY = {
    name: examples.unknown_query(path)
    for name, path in {
        "cancel": f"/requests/{REQUEST_ID}/cancel",
        "retry": f"/requests/{REQUEST_ID}/retry",
        "deliveries": f"/requests/{REQUEST_ID}/deliveries",
        "replay": f"/requests/{REQUEST_ID}/deliveries/{DELIVERY_ID}/replay",
        "file": f"/results/{REQUEST_ID}/oak-1-0123456789abcdef.jpg",
    }.items()
}
WEBHOOK_TEST_PROBLEMS = examples.webhook_test_problems()
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has the file already"}}


def json_response(description: str, example: Any, **members: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"example": example}}, **members}


UPLOAD_ACCEPTED = json_response("The upload is accepted", examples.UPLOAD_ACCEPTED, headers=ACCEPTED_HEADERS)
DRY_RUN = json_response("The result of a dry run", examples.VALIDATION)
CANCEL_ACCEPTED = json_response(
    "The cancellation is accepted, now or before; `Retry-After` only while the request is Pending",
    examples.CANCEL_ACCEPTED,
    headers=ACCEPTED_HEADERS,
)
RETRY_ACCEPTED = json_response("The retry has begun", examples.RETRY_ACCEPTED, headers=ACCEPTED_HEADERS)
_WEBHOOK_TO_TEST = {
    "schema": {
        "type": "object",
        "required": ["url"],
        "properties": {"url": {"type": "string", "format": "uri", "description": "The URL to call."}},
        "additionalProperties": False,
    },
    "example": {"url": "https://shop.example/hooks"},
}
WEBHOOK_TO_TEST = {
    "requestBody": {"required": True, "content": dict.fromkeys(FIELD_TYPES, _WEBHOOK_TO_TEST)},
}
WEBHOOK_TESTED = json_response("How the receiver responded", examples.WEBHOOK_TESTED)
DELIVERIES = json_response("The deliveries", examples.DELIVERIES)
REPLAY_ACCEPTED = json_response(
    "The delivery, which is being replayed",
    examples.REPLAY_ACCEPTED,
    headers={"Location": {"description": "The URL of the list of deliveries.", "schema": {"type": "string"}}},
)
REQUEST_DETAILS = json_response(
    "The request's status; `Retry-After` only while it is Pending", examples.REQUEST_DETAILS, headers=_RETRY_AFTER
)
VALIDATION = {
    "description": "The validation; with `probe` as lines of JSON",
    "content": {
        "application/json": {"example": examples.VALIDATION},
        NDJSON: {
            "schema": {"oneOf": [reference(line) for line in PROBE_LINES]},
            "examples": {name: {"value": line} for name, line in examples.PROBED_VALIDATION.items()},
        },
    },
}


def file_responses(description: str, content: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """A stored file, a range of it, or 304."""
    return {
        200: {"description": description, "content": content},
        206: {"description": "The requested range", "content": content},
        **_UNCHANGED,
    }


RESULT_FILE = file_responses("The compressed image", {"image/*": {"schema": {"type": "string", "format": "binary"}}})
OUTPUT_FILE = file_responses(
    "The output CSV or a report",
    {
        "text/csv": {"schema": {"type": "string"}, "example": examples.OUTPUT_CSV},
        "application/json": {
            "schema": {"type": "object", "description": "The report's totals, by host and by error code."},
            "example": examples.REPORT_JSON,
        },
    },
)


def catalogue_body(defaults: UploadOptions, options: Collection[str]) -> dict[str, Any]:
    """The body of a request that sends a catalogue with these options; `defaults` are the operator's.

    The options are described once, as form fields. As query parameters they would appear a second time in Swagger UI,
    which would send both.
    """
    set_by_operator = defaults.compress.model_dump() | defaults.request.model_dump()
    fields = {name: _form_field(name, set_by_operator[name]) for name in options}
    form = {"type": "object", "required": ["file"], "properties": {"file": _FILE, **fields}}
    return {
        "requestBody": {
            "required": True,
            "description": "A form with the file and the options, in any order. Or the CSV itself as the body: then"
            f" the options are query parameters of the same names, and the Content-Type is {CSV_TYPES[0]} or one of"
            f" {', '.join(CSV_TYPES[1:])}.",
            "content": {
                FORM_TYPE: {"schema": form},
                CSV_TYPES[0]: {"schema": {"type": "string"}, "example": examples.CATALOGUE_CSV},
            },
        },
    }


_FILE = {
    "type": "string",
    "format": "binary",
    "description": "The catalogue: CSV, separated by commas, semicolons, tabs or vertical bars.",
}


def _form_field(name: str, default: Any) -> dict[str, Any]:
    """An optional field: `default` is the operator's, None if the option has no value by default."""
    schema = dict(OPTIONS[name].schema)
    if default is None:
        return schema
    shown = json.dumps(default).strip('"')
    return schema | {"default": default, "description": f"{schema['description']} Default: `{shown}`."}


def problems(
    *types: ProblemType, instead: Mapping[ProblemType, Problem] = MappingProxyType({})
) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that answers problem documents of these types.

    instead: examples of this route, for problems whose common example does not fit it.
    """
    shown = {**_PROBLEMS, **instead}
    ordered = sorted(types, key=list(ProblemType).index)
    return {
        int(status): {
            "description": "; or ".join(type_.title for type_ in group),
            "content": {
                PROBLEM_MEDIA_TYPE: {
                    "schema": reference(ProblemDocument),
                    "examples": {type_.slug: _problem_example(type_, shown[type_]) for type_ in group},
                }
            },
        }
        for status, group in ((status, list(group)) for status, group in groupby(ordered, lambda type_: type_.status))
    }


def _problem_example(type_: ProblemType, problem: Problem) -> dict[str, Any]:
    return {"summary": type_.title, "value": problem.document.model_dump(mode="json", exclude_unset=True)}
