"""HTTP's conventions, on every path of the API: HEAD, query parameters, request ids, compression, proxies."""

import gzip
import logging
import re
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from unittest.mock import AsyncMock

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from services.gateway.http_server import HttpServer, listen
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit, Progress
from tests.fakes.clock import MovableClock
from tests.support.builders import NOW, REQUEST_ID, a_request, an_image
from tests.support.running_gateway import CSV, RESULT_KEY, Gateway, an_app, problem

OUTPUT = f"outputs/{REQUEST_ID}/1/products-compressed.csv"
ASSET = "static/swagger-ui/swagger-ui.css"
READABLE = [
    "",
    "docs",
    "openapi.json",
    ASSET,
    f"status?request_id={REQUEST_ID}",
    RESULT_KEY,
    OUTPUT,
    "livez",
    "readyz",
    "metrics",
]
PER_RESPONSE = {"date", "x-request-id"}


@pytest.fixture
async def filled(gateway: Gateway) -> Gateway:
    """A gateway with a request, a result and an output."""
    await gateway.database.requests.insert(a_request())
    await gateway.store.put_bytes(RESULT_KEY, bytes(range(256)) * 40, "image/jpeg")
    await gateway.store.put_bytes(OUTPUT, CSV * 40, "text/csv")
    return gateway


def described(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in PER_RESPONSE}


@pytest.mark.parametrize("path", READABLE)
async def test_head_is_answered_wherever_get_is(filled: Gateway, path: str) -> None:
    got = await filled.http.get(f"/{path}", headers={"Accept-Encoding": "identity"})
    head = await filled.http.head(f"/{path}", headers={"Accept-Encoding": "identity"})

    assert got.status_code in {200, 307, 503}
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert described(head) == described(got)


@pytest.mark.parametrize("path", ["status", RESULT_KEY, OUTPUT, "docs"])
async def test_a_wrong_method_is_refused_with_both_methods(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.delete(f"/{path}")

    problem(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["", "docs", "openapi.json", ASSET, RESULT_KEY, OUTPUT])
async def test_an_unknown_query_parameter_is_refused(filled: Gateway, path: str) -> None:
    document = problem(await filled.http.get(f"/{path}?width=3&v="), 422)

    assert document["type"] == "urn:imagemill:problem:parameter"
    assert document["errors"] == [
        {"detail": f"{name!r} is not a query parameter of /{path}; it accepts none", "parameter": name}
        for name in ("width", "v")
    ]


async def test_a_retry_has_no_query_parameters(filled: Gateway) -> None:
    document = problem(await filled.http.post(f"/requests/{REQUEST_ID}/retry?images=failed"), 422)

    assert [error["parameter"] for error in document["errors"]] == ["images"]


@pytest.mark.parametrize("path", ["livez", "metrics"])
async def test_health_endpoints_ignore_query_parameters(gateway: Gateway, path: str) -> None:
    assert (await gateway.http.get(f"/{path}?name=imagemill_ready")).status_code == 200


@pytest.mark.parametrize(
    ("query", "kind", "details"),
    [
        ("", "parameter", ["request_id is missing"]),
        ("?request_id=", None, []),
        (
            f"?id={REQUEST_ID}",
            "parameter",
            ["request_id is missing", "'id' is not a query parameter of /status; it accepts request_id"],
        ),
        (f"?request_id={REQUEST_ID}&request_id=x", "parameter", ["request_id is given 2 times"]),
        (
            f"?request_id={REQUEST_ID}&verbose=1",
            "parameter",
            ["'verbose' is not a query parameter of /status; it accepts request_id"],
        ),
    ],
)
async def test_a_status_needs_exactly_one_request_id(
    filled: Gateway, query: str, kind: str | None, details: list[str]
) -> None:
    answer = await filled.http.get(f"/status{query}")

    document = problem(answer, 422 if kind else 404)
    assert document["type"] == f"urn:imagemill:problem:{kind or 'unknown-request'}"
    assert [error["detail"] for error in document.get("errors", [])] == details


async def test_a_request_id_is_accepted_in_any_case(filled: Gateway) -> None:
    status = await filled.http.get("/status", params={"request_id": REQUEST_ID.lower()})
    retry = await filled.http.post(f"/requests/{REQUEST_ID.lower()}/retry")
    output = await filled.http.get(f"/{OUTPUT.replace(REQUEST_ID, REQUEST_ID.lower())}")

    assert (status.status_code, status.json()["request_id"]) == (200, REQUEST_ID)
    assert problem(retry, 409)["type"] == "urn:imagemill:problem:under-way"
    assert output.status_code == 200


@pytest.mark.parametrize(
    "text", ["\N{LATIN SMALL LETTER DOTLESS I}" * 26, "8" + REQUEST_ID[1:], REQUEST_ID[:-1] + "U", REQUEST_ID + "\n"]
)
async def test_what_is_not_a_ulid_is_an_unknown_request(filled: Gateway, text: str) -> None:
    problem(await filled.http.get("/status", params={"request_id": text}), 404)


# X-Request-ID


@pytest.mark.parametrize(
    ("path", "status"), [("/livez", 200), ("/docs", 200), ("/status", 422), ("/nothing", 404), (f"/{RESULT_KEY}", 200)]
)
async def test_x_request_id_is_echoed_on_every_response(filled: Gateway, path: str, status: int) -> None:
    answer = await filled.http.get(path, headers={"X-Request-ID": "trace/1:a-b_c=="})

    assert (answer.status_code, answer.headers["X-Request-ID"]) == (status, "trace/1:a-b_c==")


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "a\tb", 'a"b', "<b>"])
async def test_an_unusable_x_request_id_is_replaced(gateway: Gateway, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-ID": given}

    generated = [(await gateway.http.get("/livez", headers=headers)).headers["X-Request-ID"] for _ in range(2)]

    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in generated)
    assert generated[0] != generated[1]


async def test_a_fault_of_the_service_has_the_x_request_id_in_its_problem(gateway: Gateway) -> None:
    gateway.database.available = False
    answer = await gateway.http.get("/status", params={"request_id": REQUEST_ID}, headers={"X-Request-ID": "mine"})

    assert problem(answer, 503)["http_request_id"] == answer.headers["X-Request-ID"] == "mine"


async def test_an_unexpected_exception_has_the_x_request_id_in_problem_and_log(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((record.exc_info is not None, get_contextvars()))

    async def fails(_: str) -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr(gateway.database.requests, "current", fails)
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "handlers", [Noting()])

    answer = await gateway.http.get("/status", params={"request_id": REQUEST_ID}, headers={"X-Request-ID": "mine"})

    assert problem(answer, 500)["http_request_id"] == "mine"
    assert answer.headers["X-Request-ID"] == "mine"
    assert seen == [(True, {"http_request_id": "mine"})]


# Compression

GZIP = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize("path", ["openapi.json", ASSET, f"status?request_id={REQUEST_ID}", OUTPUT])
async def test_text_is_compressed_for_those_who_accept_it(filled: Gateway, path: str) -> None:
    plain = await filled.http.get(f"/{path}", headers=PLAIN)
    zipped = await filled.http.get(f"/{path}", headers=GZIP)
    head = await filled.http.head(f"/{path}", headers=GZIP)

    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"
    assert zipped.content == plain.content
    assert zipped.num_bytes_downloaded < plain.num_bytes_downloaded
    assert (head.content, described(head)) == (b"", {**described(zipped), **framing(head)})


def framing(head: httpx.Response) -> dict[str, str]:
    """Headers that HTTP/1.1 adds for a body of unknown length; a response to HEAD need not have them."""
    return {name: head.headers[name] for name in ("transfer-encoding",) if name in head.headers}


async def test_images_are_not_compressed_again(filled: Gateway) -> None:
    answer = await filled.http.get(f"/{RESULT_KEY}", headers=GZIP)

    assert "Content-Encoding" not in answer.headers
    assert "Vary" not in answer.headers


async def test_a_compressed_output_has_a_weak_etag_and_no_ranges(filled: Gateway) -> None:
    plain = await filled.http.get(f"/{OUTPUT}", headers=PLAIN)
    part = await filled.http.get(f"/{OUTPUT}", headers={**PLAIN, "Range": "bytes=0-9"})
    zipped = await filled.http.get(f"/{OUTPUT}", headers={**GZIP, "Range": "bytes=0-9"})

    assert (part.status_code, part.content) == (206, plain.content[:10])
    assert (zipped.status_code, zipped.content) == (200, plain.content)
    assert zipped.headers["ETag"] == f"W/{plain.headers['ETag']}"
    assert "Accept-Ranges" not in zipped.headers
    assert part.headers["Vary"] == "Accept-Encoding"


async def test_a_range_is_not_added_to_a_compressed_part(filled: Gateway) -> None:
    """A client that has the start of the compressed output must not get a range of the plain one to go on with."""
    zipped = await filled.http.get(f"/{OUTPUT}", headers=GZIP)

    for validator in (zipped.headers["ETag"], zipped.headers["Last-Modified"]):
        headers = {**GZIP, "Range": "bytes=10-", "If-Range": validator}
        assert (await filled.http.get(f"/{OUTPUT}", headers=headers)).status_code == 200
    headers = {**PLAIN, "Range": "bytes=10-", "If-Range": zipped.headers["ETag"]}
    assert (await filled.http.get(f"/{OUTPUT}", headers=headers)).status_code == 200


@pytest.mark.parametrize("path", [OUTPUT, ASSET])
@pytest.mark.parametrize("encoding", [GZIP, PLAIN])
async def test_a_client_that_has_either_encoding_is_told_so(
    filled: Gateway, path: str, encoding: dict[str, str]
) -> None:
    etag = (await filled.http.get(f"/{path}", headers=encoding)).headers["ETag"]

    answer = await filled.http.get(f"/{path}", headers={**encoding, "If-None-Match": etag})

    assert (answer.status_code, answer.content, answer.headers["Vary"]) == (304, b"", "Accept-Encoding")


async def test_a_large_output_is_compressed_in_pieces(filled: Gateway) -> None:
    large = b"".join(b"%d,Lamp,https://images.test/%d.jpg\r\n" % (row, row) for row in range(20_000))
    await filled.store.put_bytes(OUTPUT.replace("products", "large"), large, "text/csv")

    answer = await filled.http.get(f"/{OUTPUT.replace('products', 'large')}", headers=GZIP)

    assert answer.content == large
    assert answer.num_bytes_downloaded < len(large) / 3


async def test_a_static_file_that_cannot_be_opened_is_answered_with_a_problem_document(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starlette.responses.anyio.open_file", AsyncMock(side_effect=PermissionError))

    with capture_logs() as logged:
        answer = await gateway.http.get(f"/{ASSET}", headers={**GZIP, "X-Request-ID": "mine"})

    assert problem(answer, 500)["http_request_id"] == answer.headers["X-Request-ID"] == "mine"
    assert [entry["status"] for entry in logged if entry["event"] == "http_request"] == [500]


async def test_static_files_are_cacheable(gateway: Gateway) -> None:
    answer = await gateway.http.get(f"/{ASSET}")

    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["ETag"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "deflate"])
async def test_a_compressed_upload_is_refused(gateway: Gateway, encoding: str) -> None:
    headers = {"Content-Type": "text/csv", "Content-Encoding": encoding}

    answer = await gateway.http.post("/upload", content=gzip.compress(CSV), headers=headers)

    assert problem(answer, 415)["type"] == "urn:imagemill:problem:content-encoding"
    assert answer.headers["Accept-Encoding"] == "identity"
    assert gateway.holds_nothing()


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
async def test_the_identity_encoding_is_no_encoding(gateway: Gateway, encoding: str) -> None:
    headers = {"Content-Type": "text/csv", "Content-Encoding": encoding}

    assert (await gateway.http.post("/upload", content=CSV, headers=headers)).status_code == 202


# Behind a proxy


@pytest.mark.parametrize(
    ("base_url", "location"),
    [
        ("https://shop.example/images", "/images/status?request_id="),
        ("https://shop.example/images/", "/images/status?request_id="),
        ("https://shop.example", "/status?request_id="),
    ],
)
async def test_location_honours_a_path_in_the_public_url(gateway: Gateway, base_url: str, location: str) -> None:
    gateway.server.app = an_app(replace(gateway, registry=CollectorRegistry()), MovableClock(NOW), base_url)

    answer = await gateway.http.post("/upload", files={"file": CSV})

    assert answer.headers["Location"] == location + answer.json()["request_id"]


@pytest.mark.parametrize(
    ("trusted", "client", "scheme"), [("127.0.0.0/8", "203.0.113.7", "https"), ("10.0.0.0/8", "127.0.0.1", "http")]
)
async def test_forwarded_headers_are_honoured_from_trusted_proxies_only(trusted: str, client: str, scheme: str) -> None:
    seen: list[tuple[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["client"][0], scope["scheme"]))
        await Response()(scope, receive, send)

    server = HttpServer(app, 5, [ip_network(trusted)])
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    await server.start(listener)
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
    async with httpx.AsyncClient() as http:
        await http.get(f"http://127.0.0.1:{port}/", headers=headers)
    await server.stop()

    assert seen == [(client, scheme)]


# Retry-After


async def test_retry_after_of_a_request_that_waits_for_a_paused_host(gateway: Gateway) -> None:
    progress = Progress(total=1, compressed=0, failed=0, pending=1, as_of=NOW)
    await gateway.database.requests.insert(a_request(intake_open=False, progress=progress))
    await gateway.database.images.insert_many([an_image("https://slow.test/1.jpg")])
    circuit = HostCircuit(
        host="slow.test", failures=3, pauses=1, paused_until=NOW + timedelta(seconds=90), error_code=ErrorCode.HTTP_5XX
    )
    assert await gateway.database.hosts.save(circuit, instead_of=None)

    answer = await gateway.http.get("/status", params={"request_id": REQUEST_ID})

    assert answer.headers["Retry-After"] == "90"
    assert answer.json()["paused_hosts"] == [
        {"host": "slow.test", "images": 1, "until": "2026-01-05T12:01:30.000Z", "error_code": "http_5xx"}
    ]
