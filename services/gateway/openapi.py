"""The parts of the OpenAPI document that FastAPI cannot derive: two kinds of upload body, and problem documents."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway.problems import MEDIA_TYPE
from services.gateway.schemas import ProblemDocument
from services.gateway.upload_body import CSV_TYPES, FORM_TYPE
from shared.contracts.messages import CompressOptions

_REF = "#/components/schemas/{model}"
_CSV_EXAMPLE = (
    "S. No.,Product Name,Input Image Urls\n"
    '1,Oak table,"https://shop.example/oak-1.jpg,https://shop.example/oak-2.jpg"\n'
    "2,Lamp,https://shop.example/lamp.png\n"
)
_PERCENT = {
    **CompressOptions.model_json_schema()["properties"]["percent"],
    "description": "At most this share of each original's bytes, in per cent.",
}
_WEBHOOK_URL = {
    "type": "string",
    "format": "uri",
    "description": "Called once the request is done, signed by the Standard Webhooks specification.",
}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "The catalogue: CSV, UTF-8, commas."},
        "percent": _PERCENT,
        "webhook_url": _WEBHOOK_URL,
    },
}
_CSV = {"schema": {"type": "string"}, "example": _CSV_EXAMPLE}

UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A form with the file and the options, in any order; or the CSV itself, with query parameters.",
        "content": {FORM_TYPE: {"schema": _FORM}} | dict.fromkeys(CSV_TYPES, _CSV),
    },
    "parameters": [
        {"name": "percent", "in": "query", "schema": _PERCENT},
        {"name": "webhook_url", "in": "query", "schema": _WEBHOOK_URL},
    ],
}

OBJECT: dict[str, Any] = {
    "parameters": [
        {
            "name": "path",
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "description": "As the output CSV and the status give it.",
        }
    ]
}

RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait before asking.", "schema": {"type": "integer"}}}
ACCEPTED_HEADERS = {
    "Location": {"description": "Where to ask for the status.", "schema": {"type": "string"}},
    **RETRY_AFTER,
}


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that answers problem documents with these statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=ProblemDocument.__name__)}}}
    return {int(status): {"description": status.phrase, "content": content} for status in statuses}


def install(app: FastAPI) -> None:
    """Make `app` describe itself with the problem documents' schema."""
    app.openapi = _described(app)  # type: ignore[method-assign]


def _described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schema = ProblemDocument.model_json_schema(ref_template=_REF)
            document["components"]["schemas"] |= schema.pop("$defs") | {ProblemDocument.__name__: schema}
            app.openapi_schema = document
        return app.openapi_schema

    return openapi
