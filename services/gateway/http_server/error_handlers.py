"""Answers every error with a problem document, those of the framework too."""

from collections.abc import Callable
from contextvars import Context
from http import HTTPStatus

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.gateway.web import (
    Problem,
    internal,
    unavailable,
    unknown_path,
    unreadable_record,
    untyped,
    wrong_method,
)
from shared.errors import DependencyUnavailable, UnreadableRecord

log = structlog.get_logger(__name__)


def install_error_handlers(app: FastAPI, report: Callable[[DependencyUnavailable], None]) -> None:
    """Make `app` answer every error with a problem document, and `report` dependencies that do not answer."""

    async def dependency_unavailable(request: Request, fault: DependencyUnavailable) -> Response:
        log.error("request_unanswered", path=request.url.path, dependency=fault.dependency, error=str(fault))
        Context().run(report, fault)  # what it starts outlives this request, and must not log with its id
        return unavailable(fault.dependency, request.state.http_request_id).response()

    app.exception_handlers |= {
        Problem: _problem,
        HTTPException: _http,
        DependencyUnavailable: dependency_unavailable,
        UnreadableRecord: _unreadable_record,
        ClientDisconnect: _client_left,
        Exception: _unexpected,
    }


async def _problem(_: Request, error: Problem) -> Response:
    return error.response()


async def _http(request: Request, error: HTTPException) -> Response:
    """The errors that the framework raises: unknown paths, wrong methods and a few others."""
    headers = dict(error.headers or {})
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return unknown_path(request.url.path).response()
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = sorted(headers.get("Allow", "").split(", "))
            return wrong_method(request.method, request.url.path, allowed).response()
        case status:
            return untyped(HTTPStatus(status), headers)


async def _unreadable_record(request: Request, _: Exception) -> Response:
    return unreadable_record(request.state.http_request_id).response()  # the database has logged it


async def _client_left(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody reads it


async def _unexpected(request: Request, _: Exception) -> Response:
    """The server logs the exception; the client learns only the id to find it with."""
    return internal(request.state.http_request_id).response()
