"""Problem documents (RFC 9457): one function for each way in which the API can refuse or fail a request."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from services.gateway.catalogue import CatalogueRefused, Finding
from services.gateway.web.problem_types import ProblemType
from services.gateway.web.schemas import CatalogueFinding, InputError, ProblemDocument
from shared.contracts.states import RequestStatus

PROBLEM_MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = 5


class Problem(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self, type_: ProblemType, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        """`members` are further members of the ProblemDocument."""
        super().__init__(detail)
        self.headers = dict(headers or {})
        self.document = ProblemDocument(
            type=type_.urn, title=type_.title, status=type_.status, detail=detail, **members
        )

    def response(self) -> Response:
        return problem_response(self.document, self.headers)


def problem_response(document: ProblemDocument, headers: Mapping[str, str]) -> Response:
    return Response(
        document.model_dump_json(exclude_unset=True),
        document.status,
        {"Cache-Control": "no-store", **headers},
        PROBLEM_MEDIA_TYPE,
    )


def bad_catalogue(refused: CatalogueRefused) -> Problem:
    return _with_findings(ProblemType.CATALOGUE, refused.findings, refused.more)


def refused_slots(findings: Sequence[Finding], more: int) -> Problem:
    """The catalogue contains unusable URLs, and `on_invalid` is `reject`."""
    return _with_findings(ProblemType.IMAGE_URLS, findings, more)


def _with_findings(type_: ProblemType, findings: Sequence[Finding], more: int) -> Problem:
    count = len(findings) + more
    detail = f"{count:,} {'finding' if count == 1 else 'findings'}; nothing was stored or processed."
    if more:
        detail += f" {len(findings):,} of them are listed."
    return Problem(
        type_,
        detail,
        findings=[CatalogueFinding.model_validate(finding) for finding in findings],
        more_findings=more,
    )


def bad_form(detail: str, advice: str) -> Problem:
    """The request's body is not what its Content-Type says, or contains no file."""
    return Problem(
        ProblemType.FORM, f"{detail[0].upper()}{detail[1:]}.", errors=[InputError(detail=detail, advice=advice)]
    )


def bad_options(errors: Sequence[InputError]) -> Problem:
    return Problem(ProblemType.OPTIONS, "; ".join(error.detail for error in errors), errors=errors)


def bad_parameters(errors: Sequence[InputError]) -> Problem:
    return Problem(ProblemType.PARAMETER, "; ".join(error.detail for error in errors), errors=errors)


def bad_fields(errors: Sequence[InputError]) -> Problem:
    return Problem(ProblemType.FIELDS, "; ".join(error.detail for error in errors), errors=errors)


def too_large(max_bytes: int) -> Problem:
    return Problem(
        ProblemType.TOO_LARGE,
        f"At most {max_bytes:,} bytes are accepted; split the catalogue and upload the parts.",
        headers={"Connection": "close"},
    )


def too_large_body(max_bytes: int) -> Problem:
    return Problem(ProblemType.TOO_LARGE, f"At most {max_bytes:,} bytes are accepted.", headers={"Connection": "close"})


def stalled(seconds: float) -> Problem:
    return Problem(
        ProblemType.STALLED,
        f"Nothing arrived for {seconds:g} seconds; upload the file again.",
        headers={"Connection": "close"},
    )


def too_slow(seconds: float) -> Problem:
    return Problem(
        ProblemType.TOO_SLOW,
        f"The upload was not complete after {seconds:g} seconds; split the catalogue and upload the parts.",
        headers={"Connection": "close"},
    )


def wrong_content_type(given: str, wanted: Sequence[str]) -> Problem:
    """`wanted` starts with the type to recommend for forms, then the one for plain bodies."""
    return Problem(
        ProblemType.CONTENT_TYPE,
        f"It is {given[:100] or 'missing'}. Send {wanted[0]} with the file, or the CSV itself as {wanted[1]}.",
        headers={"Accept-Post": ", ".join(wanted)},
    )


def wrong_body_type(given: str, wanted: Sequence[str]) -> Problem:
    """The body is neither JSON nor a form; `wanted` starts with the type to recommend."""
    return Problem(
        ProblemType.CONTENT_TYPE,
        f"It is {given[:100] or 'missing'}. Send {wanted[0]} or a form.",
        headers={"Accept-Post": ", ".join(wanted)},
    )


def too_many_tests(at_once: int) -> Problem:
    return Problem(
        ProblemType.TOO_MANY_TESTS,
        f"At most {at_once} webhooks are tested at the same time; try again in a few seconds.",
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
    )


def no_aggregator(reason: str) -> Problem:
    """No aggregator has made the call that the client requested."""
    return Problem(
        ProblemType.UNAVAILABLE,
        f"The webhook was not called: {reason}. Try again in a few seconds.",
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
    )


def compressed_upload(encoding: str) -> Problem:
    """An upload with a Content-Encoding; RFC 7694 defines Accept-Encoding in the response."""
    return Problem(
        ProblemType.CONTENT_ENCODING,
        f"Its Content-Encoding is {encoding[:100]}. Send it uncompressed, without a Content-Encoding.",
        headers={"Accept-Encoding": "identity"},
    )


def unknown_request(request_id: str) -> Problem:
    return Problem(ProblemType.UNKNOWN_REQUEST, f"No request has the id {request_id[:64]!r}.")


def unknown_delivery(delivery_id: str) -> Problem:
    return Problem(ProblemType.UNKNOWN_DELIVERY, f"The request has no delivery with the id {delivery_id[:100]!r}.")


def under_way(round_: int, pending: int) -> Problem:
    """A request can be retried once its round is over. `pending` images have not reached a terminal state yet."""
    images = f"{pending:,} {'image is' if pending == 1 else 'images are'} pending"
    return Problem(
        ProblemType.UNDER_WAY,
        f"Round {round_} has begun, and {images}. Retry the request after the round has finished.",
        round=round_,
    )


def nothing_to_retry(round_: int, failed: int) -> Problem:
    """None of the failed images can be retried."""
    detail = "No image failed or was cancelled."
    if failed:
        detail = f"{failed:,} failed, all because of their URLs (invalid_url). Correct failed.csv and upload it."
    return Problem(ProblemType.NOTHING_TO_RETRY, detail, round=round_)


def already_finished(round_: int, status: RequestStatus) -> Problem:
    """A request that has finished cannot be cancelled."""
    return Problem(
        ProblemType.ALREADY_FINISHED,
        f"Round {round_} has finished as {status}; there is nothing left to cancel.",
        round=round_,
        request_status=status,
    )


def no_such_object() -> Problem:
    return Problem(ProblemType.NOT_FOUND, "No object is stored under this URL.")


def no_such_part(size: int) -> Problem:
    return Problem(
        ProblemType.RANGE, f"The object is {size:,} bytes long.", headers={"Content-Range": f"bytes */{size}"}
    )


def unavailable(dependency: str, http_request_id: str) -> Problem:
    return Problem(
        ProblemType.UNAVAILABLE,
        f"The {dependency} is unavailable. Nothing is lost; try again in a few seconds.",
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
        http_request_id=http_request_id,
    )


def unknown_path(path: str) -> Problem:
    return Problem(ProblemType.NOT_FOUND, f"There is no {path[:200]}.")


def wrong_method(method: str, path: str, allowed: Sequence[str]) -> Problem:
    return Problem(
        ProblemType.METHOD_NOT_ALLOWED,
        f"{path[:200]} answers {' and '.join(allowed)}, not {method}.",
        headers={"Allow": ", ".join(allowed)},
    )


def internal(http_request_id: str) -> Problem:
    return Problem(
        ProblemType.INTERNAL,
        f"The service has a fault, which is in its log. Quote the id {http_request_id} when you report it.",
        http_request_id=http_request_id,
    )


def unreadable_record(http_request_id: str) -> Problem:
    return Problem(
        ProblemType.UNREADABLE_RECORD,
        "Another version of the service wrote this request's record, and this one cannot read it. Nothing is lost."
        f" Quote the id {http_request_id} when you report it.",
        http_request_id=http_request_id,
    )


def untyped(status: HTTPStatus, headers: Mapping[str, str]) -> Response:
    """The problem document of a status without a type of its own: RFC 9457 wants `about:blank` and HTTP's phrase."""
    document = ProblemDocument(
        type="about:blank", title=status.phrase, status=status, detail=status.description or status.phrase
    )
    return problem_response(document, headers)
