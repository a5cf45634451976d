"""The parts of the OpenAPI document that FastAPI cannot derive: two kinds of upload body, and problem documents."""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway.catalogue import CatalogueRefused, Finding
from services.gateway.probe import NDJSON, EstimateLine, ProbeLine, ValidationLine
from services.gateway.upload import CSV_TYPES, FORM_TYPE, OPTIONS, UploadOptions
from services.gateway.web.problems import (
    MEDIA_TYPE,
    Problem,
    bad_catalogue,
    bad_options,
    no_such_part,
    stalled,
    too_large,
    unavailable,
    under_way,
    wrong_content_type,
)
from services.gateway.web.schemas import REQUEST_ID, ApiModel, InputError, ProblemDocument

_REF = "#/components/schemas/{model}"
_CSV_EXAMPLE = (
    "S. No.,Product Name,Input Image Urls\n"
    '1,Oak table,"https://shop.example/oak-1.jpg,https://shop.example/oak-2.jpg"\n'
    "2,Lamp,https://shop.example/lamp.png\n"
)
_FILE = {
    "type": "string",
    "format": "binary",
    "description": "The catalogue: CSV, separated by commas, semicolons, tabs or vertical bars.",
}
_CSV = {"schema": {"type": "string"}, "example": _CSV_EXAMPLE}


def _parameter(name: str, where: Literal["path", "query"], description: str, **members: Any) -> dict[str, Any]:
    """A parameter that the route reads by itself: FastAPI would describe its own 422 with one that it reads."""
    parameter = {"name": name, "in": where, "required": True, "schema": {"type": "string"}, "description": description}
    return {"parameters": [parameter | members]}


OBJECT = _parameter("path", "path", "As in the output CSV and the status.")
_REQUEST_ID = "The id that the upload returned, in any case."
REQUEST = _parameter("request_id", "path", _REQUEST_ID, example=REQUEST_ID)
REQUEST_IN_QUERY = _parameter("request_id", "query", _REQUEST_ID, example=REQUEST_ID)

IMAGE: dict[str, Any] = {"image/*": {"schema": {"type": "string", "format": "binary"}}}
CSV: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}

_LINES: tuple[type[ApiModel], ...] = (ValidationLine, ProbeLine, EstimateLine)
_UNRETURNED: tuple[type[ApiModel], ...] = (ProblemDocument, *_LINES)
PROBED = {NDJSON: {"schema": {"oneOf": [{"$ref": _REF.format(model=line.__name__)} for line in _LINES]}}}

RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait before asking.", "schema": {"type": "integer"}}}
ACCEPTED_HEADERS = {
    "Location": {"description": "Where to ask for the status.", "schema": {"type": "string"}},
    **RETRY_AFTER,
}


_EXAMPLES = (
    bad_catalogue(
        CatalogueRefused(
            (
                Finding(
                    "text follows a cell's closing quote",
                    "Put double quotes around the cell, and write a quote inside it twice.",
                    row=7,
                    line=9,
                    column="Product Name",
                    text='"Oak" table,https://shop.example/oak-1.jpg',
                ),
                Finding(
                    "a file name, not a URL",
                    "Enter the full address, with https:// and the host.",
                    row=12,
                    line=14,
                    column="Input Image Urls",
                    text="lamp.png",
                    severity="slot_error",
                ),
            )
        )
    ),
    stalled(60),
    too_large(2 << 30),
    wrong_content_type("application/json", (FORM_TYPE, *CSV_TYPES)),
    bad_options([InputError(detail="percent is a whole number from 1 to 99, not '0'", option="percent")]),
    no_such_part(29_735),
    under_way(2, 3),
    unavailable("database"),
)


def catalogue_body(defaults: UploadOptions, options: Collection[str]) -> dict[str, Any]:
    """The body and the query parameters of a request that sends a catalogue with these options.

    `defaults` holds for what it does not say.
    """
    # No defaults in the query: the documentation's own client would send them beside the form's.
    query = {name: dict(OPTIONS[name].schema) for name in options}
    known = {**defaults.compress.model_dump(exclude_none=True), **defaults.request.model_dump(exclude_none=True)}
    in_form = {name: schema | ({"default": known[name]} if name in known else {}) for name, schema in query.items()}
    form = {"type": "object", "required": ["file"], "properties": {"file": _FILE, **in_form}}
    return {
        "requestBody": {
            "required": True,
            "description": "A form with the file and the options, in any order; or the CSV itself, with query "
            f"parameters. As the CSV's type also {', '.join(CSV_TYPES[1:])} will do.",
            "content": {FORM_TYPE: {"schema": form}} | {CSV_TYPES[0]: _CSV},
        },
        "parameters": [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()],
    }


def problems(*statuses: HTTPStatus, missing: Problem | None = None) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that answers problem documents with these statuses, and with 404 as `missing` says."""
    documents = {problem.document.status: problem.document for problem in _EXAMPLES}
    if missing is not None:
        documents[HTTPStatus.NOT_FOUND] = missing.document
        statuses = (HTTPStatus.NOT_FOUND, *statuses)
    schema = {"$ref": _REF.format(model=ProblemDocument.__name__)}
    return {
        int(status): {
            "description": documents[status].title,
            "content": {
                MEDIA_TYPE: {"schema": schema, "example": documents[status].model_dump(mode="json", exclude_unset=True)}
            },
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make `app` describe itself with the schemas of what no route returns: problem documents, and lines of JSON."""
    app.openapi = _described(app)  # type: ignore[method-assign]


def _described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            for model in _UNRETURNED:
                schema = model.model_json_schema(ref_template=_REF)
                document["components"]["schemas"] |= schema.pop("$defs", {}) | {model.__name__: schema}
            app.openapi_schema = document
        return app.openapi_schema

    return openapi
