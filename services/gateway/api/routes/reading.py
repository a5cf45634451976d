"""Declares routes that answer GET and HEAD, and routes without query parameters."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request

from services.gateway.web import check_query

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


async def _no_query(request: Request) -> None:
    check_query(request.url.path, request.query_params.multi_items())


NO_QUERY = [Depends(_no_query)]
"""The dependencies of a route that has no query parameters: they refuse any."""


def get_and_head(router: APIRouter, path: str, **described: Any) -> Callable[[_Endpoint], _Endpoint]:
    """Decorate the endpoint that answers GET and HEAD of `path`; the server omits the body for HEAD.

    The first route answers both. The second only describes GET in the OpenAPI document: one route with both methods
    would describe the operation twice.
    """
    dependencies = described.pop("dependencies", [])

    def add(endpoint: _Endpoint) -> _Endpoint:
        router.add_api_route(
            path, endpoint, methods=["GET", "HEAD"], include_in_schema=False, dependencies=dependencies
        )
        router.add_api_route(path, endpoint, methods=["GET"], **described)
        return endpoint

    return add
