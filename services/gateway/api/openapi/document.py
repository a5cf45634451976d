"""Assembles the OpenAPI document of an app: FastAPI's description of the routes, and what it cannot know."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.routing import BaseRoute

from services.gateway.api.openapi.operations import PROBE_LINES
from services.gateway.api.openapi.webhooks import TAG as WEBHOOKS
from services.gateway.api.openapi.webhooks import WebhookMessage, WebhookTestMessage, webhooks
from services.gateway.web import ProblemDocument

TAGS = [
    {"name": "catalogues", "description": "Upload a catalogue, or validate it without storing anything."},
    {
        "name": "requests",
        "description": "The state of a request, which is one upload; its cancellation, its retries.",
    },
    {"name": "files", "description": "Compressed images and output files, to anyone who has their URL."},
    {
        "name": WEBHOOKS,
        "description": "What Imagemill posts to the `webhook_url` of an upload; the log of its deliveries; replays.",
    },
]
_LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
_CONTACT = {"name": "The operator of this Imagemill"}
_UNRETURNED: tuple[type[BaseModel], ...] = (ProblemDocument, *PROBE_LINES, WebhookMessage, WebhookTestMessage)


def install(app: FastAPI, public_base_url: str) -> None:
    """Make `app.openapi` return the whole document, with `public_base_url` as the server."""
    app.openapi = _described(app, public_base_url)  # type: ignore[method-assign]


def _described(app: FastAPI, public_base_url: str) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=TAGS,
                servers=[{"url": public_base_url, "description": "This server"}],
                contact=_CONTACT,
                license_info=_LICENSE,
            )
            _restore_nulls(document["paths"], app.routes)
            document["components"]["schemas"] |= _schemas()
            document["webhooks"] = webhooks()
            app.openapi_schema = document
        return app.openapi_schema

    return openapi


def _restore_nulls(paths: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    """FastAPI omits members that are null, in the examples of responses too."""
    for context in iter_route_contexts(routes):
        route = context.original_route
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        for method in route.methods or ():
            responses = paths[route.path_format][method.lower()]["responses"]
            for status, response in route.responses.items():
                for media_type, content in response.get("content", {}).items():
                    whole = {name: content[name] for name in ("example", "examples") if name in content}
                    responses[str(status)]["content"][media_type].update(whole)


def _schemas() -> dict[str, Any]:
    """The schemas of what no route returns as a model: problem documents, lines of JSON, webhooks."""
    schemas: dict[str, Any] = {}
    for model in _UNRETURNED:
        schema = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
    return schemas
