"""Every error of the API as a problem document (RFC 9457), those of the framework too."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.gateway.catalogue.findings import CatalogueRefused, Finding
from services.gateway.web.schemas import Fault, FindingAnswer, ProblemDocument
from shared.errors import DependencyUnavailable

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:imagemill:problem:"
_RETRY_AFTER_SECONDS = 5

log = structlog.get_logger(__name__)


class Problem(Exception):
    """An answer that is not the one asked for."""

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        title: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        """`members`: what else the document has, see ProblemDocument."""
        super().__init__(detail)
        self.headers = dict(headers or {})
        self.document = ProblemDocument(
            type=f"{_TYPE_PREFIX}{kind}", title=title, status=status, detail=detail, **members
        )

    def response(self) -> Response:
        return Response(
            self.document.model_dump_json(exclude_unset=True),
            self.document.status,
            {"Cache-Control": "no-store"} | self.headers,
            MEDIA_TYPE,
        )


def bad_catalogue(refused: CatalogueRefused) -> Problem:
    return _with_findings("catalogue", "The catalogue cannot be used", refused.findings, refused.more)


def refused_slots(findings: Sequence[Finding], more: int) -> Problem:
    """Whoever sent the catalogue wants all of its images or nothing."""
    title = "Image URLs cannot be used, and on_invalid is reject"
    return _with_findings("image-urls", title, findings, more)


def _with_findings(kind: str, title: str, findings: Sequence[Finding], more: int) -> Problem:
    count = len(findings) + more
    detail = f"{count:,} {'finding' if count == 1 else 'findings'}; nothing was stored or processed."
    if more:
        detail += f" {len(findings):,} of them are listed."
    return Problem(
        HTTPStatus.BAD_REQUEST,
        kind,
        title,
        detail,
        findings=[FindingAnswer.model_validate(finding) for finding in findings],
        more_findings=more,
    )


def bad_form(detail: str, advice: str) -> Problem:
    """The request's body is not what its Content-Type says, or holds no file."""
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "form",
        "The form cannot be used",
        f"{detail[0].upper()}{detail[1:]}.",
        errors=[Fault(detail=detail, advice=advice)],
    )


def bad_options(errors: Sequence[Fault]) -> Problem:
    detail = "; ".join(error.detail for error in errors)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "options", "An option cannot be used", detail, errors=errors)


def too_large(max_bytes: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        "The upload is too large",
        f"At most {max_bytes:,} bytes are accepted; split the catalogue and upload the parts.",
        headers={"Connection": "close"},
    )


def stalled(seconds: float) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_TIMEOUT,
        "stalled",
        "The upload came to a halt",
        f"Nothing arrived for {seconds:g} seconds; upload the file again.",
        headers={"Connection": "close"},
    )


def too_slow(seconds: float) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_TIMEOUT,
        "too-slow",
        "The upload took too long",
        f"It was not complete after {seconds:g} seconds; split the catalogue and upload the parts.",
        headers={"Connection": "close"},
    )


def wrong_content_type(given: str, wanted: Sequence[str]) -> Problem:
    """`wanted` begins with the one to recommend for forms and the one for plain bodies."""
    return Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "content-type",
        "The upload has the wrong Content-Type",
        f"It is {given[:100] or 'missing'}. Send {wanted[0]} with the file, or the CSV itself as {wanted[1]}.",
        headers={"Accept-Post": ", ".join(wanted)},
    )


def unknown_request(request_id: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND,
        "unknown-request",
        "There is no such request",
        f"No request has the id {request_id[:64]!r}.",
    )


def under_way(round_: int, pending: int) -> Problem:
    """A request can be retried once its round is over. `pending` images have no end yet."""
    images = f"{pending:,} {'image has' if pending == 1 else 'images have'} no end yet"
    return Problem(
        HTTPStatus.CONFLICT,
        "under-way",
        "The request is under way",
        f"Round {round_} has begun, and {images}. Once it is over, what failed in it can be tried again.",
        round=round_,
    )


def nothing_to_retry(round_: int, failed: int) -> Problem:
    """The images that failed in the last round or in an earlier one are such as no retry can help."""
    detail = "No image failed."
    if failed:
        detail = f"{failed:,} failed, but for their URLs (invalid_url). Correct these in failed.csv, and upload that."
    return Problem(HTTPStatus.CONFLICT, "nothing-to-retry", "Nothing can be tried again", detail, round=round_)


def no_such_object() -> Problem:
    status = HTTPStatus.NOT_FOUND
    return Problem(status, "not-found", status.phrase, "Nothing is stored under this URL.")


def no_such_part(size: int) -> Problem:
    return Problem(
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        "range",
        "The range lies outside the object",
        f"It is {size:,} bytes long.",
        headers={"Content-Range": f"bytes */{size}"},
    )


def unavailable(dependency: str) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        "Not available at the moment",
        f"The {dependency} does not answer. Nothing is lost; try again in a few seconds.",
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
    )


def install(app: FastAPI, tell: Callable[[DependencyUnavailable], None]) -> None:
    """Make `app` answer every error with a problem document, and `tell` of our own faults."""

    async def own_fault(request: Request, fault: DependencyUnavailable) -> Response:
        log.error("request_unanswered", path=request.url.path, dependency=fault.dependency, error=str(fault))
        tell(fault)
        return unavailable(fault.dependency).response()

    app.exception_handlers |= {
        Problem: _problem,
        HTTPException: _http,
        RequestValidationError: _validation,
        DependencyUnavailable: own_fault,
        ClientDisconnect: _client_left,
        Exception: _unexpected,
    }


async def _problem(_: Request, error: Problem) -> Response:
    return error.response()


async def _http(request: Request, error: HTTPException) -> Response:
    """What the framework refuses by itself: unknown paths, wrong methods."""
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    detail = f"{request.method} {request.url.path[:200]}: {status.description or status.phrase}"
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.url.path[:200]} answers {headers.get('Allow', 'other methods')}, not {request.method}"
    return Problem(status, status.phrase.lower().replace(" ", "-"), status.phrase, detail, headers=headers).response()


async def _validation(_: Request, error: RequestValidationError) -> Response:
    faults = [
        Fault(detail=f"{fault['loc'][-1]}: {fault['msg']}", option=str(fault["loc"][-1])) for fault in error.errors()
    ]
    return bad_options(faults).response()


async def _client_left(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # there is nobody to read it


async def _unexpected(_: Request, __: Exception) -> Response:
    """The server logs the exception; the client learns no more than that it was not at fault."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Problem(status, "internal", status.phrase, "This is a fault of the service; it is logged.").response()
