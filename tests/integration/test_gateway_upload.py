"""POST /upload: forms, plain bodies, options, limits and disconnects."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.observability import HealthEndpoints
from tests.support.builders import a_request
from tests.support.running_gateway import (
    CSV,
    DEFAULTS,
    MAX_BYTES,
    MAX_SECONDS,
    STALL_SECONDS,
    Gateway,
    a_form,
    a_server,
    problem,
    send,
)
from tests.support.waiting import until

FOUND = {
    "profile": "generic",
    "delimiter": ",",
    "encoding": "utf-8",
    "rows": 1,
    "products": 1,
    "slots": 1,
    "images": 1,
    "refused_slots": 0,
    "findings": [],
    "more_findings": 0,
}


async def test_an_upload_is_stored_and_recorded_before_it_is_accepted(gateway: Gateway) -> None:
    answer = await gateway.http.post(
        "/upload", files={"file": ("My Products.csv", CSV, "text/csv")}, data={"percent": "40"}
    )

    assert answer.status_code == 202
    request_id = answer.json()["request_id"]
    assert answer.json() == {"request_id": request_id, "status": "Pending", **FOUND}
    assert answer.headers["Location"] == f"/status?request_id={request_id}"
    assert int(answer.headers["Retry-After"]) > 0
    stored = gateway.store.objects[f"uploads/{request_id}.csv"]
    assert (stored.data, stored.durable) == (CSV, True)
    assert await gateway.database.requests.get(request_id) == a_request(
        request_id,
        filename="My Products.csv",
        options=DEFAULTS.model_copy(update={"percent": 40}),
        retention_days=7,
    )
    assert gateway.intake_opened.is_set()
    assert not any(gateway.spool.iterdir())
    assert gateway.registry.get_sample_value("imagemill_upload_bytes_total") == len(CSV)


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "Text/CSV; charset=utf-8", "application/csv", "application/vnd.ms-excel", "text/plain;charset=UTF-8"],
)
async def test_the_body_can_be_the_csv_with_options_as_query_parameters(gateway: Gateway, content_type: str) -> None:
    answer = await gateway.http.post(
        "/upload?percent=7&webhook_url=https://hooks.test/x%3Fa=b", content=CSV, headers={"Content-Type": content_type}
    )

    assert answer.status_code == 202
    recorded = await gateway.database.requests.get(answer.json()["request_id"])
    assert recorded is not None
    assert (recorded.options.percent, recorded.webhook_url) == (7, "https://hooks.test/x?a=b")
    assert gateway.store.objects[recorded.upload_key].data == CSV


async def test_credentials_of_a_webhook_are_recorded_and_not_shown(gateway: Gateway) -> None:
    with capture_logs() as logged:
        answer = await gateway.http.post(
            "/upload",
            params={"webhook_url": "https://me:se'cret@hooks.test"},
            content=CSV,
            headers={"Content-Type": "text/csv"},
        )
        request_id = answer.json()["request_id"]
        status = await gateway.http.get(f"/status?request_id={request_id}")

    recorded = await gateway.database.requests.get(request_id)
    assert recorded is not None
    assert recorded.webhook_url == "https://me:se%27cret@hooks.test/"
    assert "cret" not in f"{answer.text} {status.text} {logged}"


@pytest.mark.parametrize(
    "parts",
    [
        [("percent", None, b"30"), ("file", "p.csv", CSV), ("webhook_url", None, b"https://hooks.test/")],
        [("file", "p.csv", CSV), ("webhook_url", None, b" https://hooks.test/ "), ("percent", None, b"30")],
        [("webhook_url", None, b"https://hooks.test/"), ("percent", None, b"30"), ("catalogue", "p.csv", CSV)],
        [("webhook_url", None, b"https://hooks.test/"), ("percent", None, b"30"), ("file", None, CSV)],
    ],
)
async def test_the_parts_of_a_form_can_be_in_any_order(
    gateway: Gateway, parts: list[tuple[str, str | None, bytes]]
) -> None:
    answer = await gateway.http.post("/upload", **a_form(*parts))

    assert answer.status_code == 202, answer.text
    recorded = await gateway.database.requests.get(answer.json()["request_id"])
    assert recorded is not None
    assert (recorded.options.percent, recorded.webhook_url) == (30, "https://hooks.test/")
    assert gateway.store.objects[recorded.upload_key].data == CSV


OPTIONS = {
    "percent": "7",
    "mode": "dimensions",
    "format": "auto",
    "max_width": "1200",
    "max_height": "900",
    "min_quality": "40",
    "allow_resize": "false",
    "metadata": "copyright",
}


@pytest.mark.parametrize("in_query", [True, False])
async def test_every_option_works_in_form_and_query_and_is_in_the_status(gateway: Gateway, in_query: bool) -> None:
    answer = await (
        gateway.http.post("/upload", params=OPTIONS, content=CSV, headers={"Content-Type": "text/csv"})
        if in_query
        else gateway.http.post("/upload", data=OPTIONS, files={"file": CSV})
    )

    assert answer.status_code == 202, answer.text
    shown = (await gateway.http.get(answer.headers["Location"])).json()["options"]
    assert shown == {
        "percent": 7,
        "mode": "dimensions",
        "format": "auto",
        "max_width": 1200,
        "max_height": 900,
        "min_quality": 40,
        "allow_resize": False,
        "metadata": "copyright",
    }


async def test_blank_options_have_their_defaults(gateway: Gateway) -> None:
    form = a_form(("percent", None, b""), ("webhook_url", None, b""), ("file", "C:\\Catalogues\\autumn.csv", CSV))

    answer = await gateway.http.post("/upload", **form)

    recorded = await gateway.database.requests.get(answer.json()["request_id"])
    assert recorded is not None
    assert (recorded.options.percent, recorded.webhook_url, recorded.filename) == (50, None, "autumn.csv")


async def test_uploading_a_file_twice_creates_two_requests(gateway: Gateway) -> None:
    answers = [await gateway.http.post("/upload", files={"file": CSV}) for _ in range(2)]

    first, second = (answer.json()["request_id"] for answer in answers)
    assert first[:10] == second[:10]  # created in the same millisecond
    assert abs(int(first[10:], 36) - int(second[10:], 36)) > 1000  # one id cannot be guessed from the other


async def test_an_upload_of_the_maximum_size_is_accepted(gateway: Gateway) -> None:
    row = b"1,Lamp,https://images.test/1.jpg?" + b"x" * 1000 + b"\n"
    catalogue = CSV + row * ((MAX_BYTES - len(CSV)) // len(row))

    answer = await gateway.http.post("/upload", content=catalogue, headers={"Content-Type": "text/csv"})

    assert answer.status_code == 202
    assert gateway.store.objects[f"uploads/{answer.json()['request_id']}.csv"].data == catalogue


@pytest.mark.parametrize(
    ("catalogue", "problem_text"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "the file is not CSV text: it looks like a PNG image"),
        (b"a,b\n1,2\n", "the file has no header"),
        (b"S. No.,Product Name\n1,2\n", 'the column "Input Image Urls" is missing'),
        (CSV.splitlines()[0], "the file has no data rows"),
        (CSV + b'2,"Oak', "a quote is opened here and never closed"),
    ],
)
async def test_a_file_that_is_not_a_catalogue_is_refused(gateway: Gateway, catalogue: bytes, problem_text: str) -> None:
    by_form = await gateway.http.post("/upload", files={"file": ("p.csv", catalogue, "text/csv")})
    as_body = await gateway.http.post("/upload", content=catalogue, headers={"Content-Type": "text/csv"})

    assert problem(by_form, 400)["findings"][0]["problem"] == problem_text
    assert problem(as_body, 400) == problem(by_form, 400)
    assert gateway.holds_nothing()


async def test_every_error_in_a_file_is_listed_with_its_place(gateway: Gateway) -> None:
    catalogue = CSV + b'2,"Oak" table,https://images.test/2.jpg\n3,a,b,c\n'

    document = problem(await gateway.http.post("/upload", files={"file": catalogue}), 400)

    assert document["type"] == "urn:imagemill:problem:catalogue"
    assert document["title"] == "The catalogue cannot be used"
    assert document["detail"] == "2 findings; nothing was stored or processed."
    assert [(found["severity"], found["row"], found["line"], found["column"]) for found in document["findings"]] == [
        ("error", 3, 3, "Product Name"),
        ("error", 4, 4, "Input Image Urls"),
    ]
    assert document["findings"][0]["text"].startswith('"Oak" table')
    assert all(found["problem"] and found["advice"] for found in document["findings"])
    assert document["more_findings"] == 0
    assert "errors" not in document


async def test_an_invalid_url_does_not_refuse_the_upload(gateway: Gateway) -> None:
    catalogue = CSV + b'2,Oak,"ftp://images.test/1.jpg, http://169.254.169.254/"\n3,Ash,no url at all\n'

    assert (await gateway.http.post("/upload", files={"file": catalogue})).status_code == 202


@pytest.mark.parametrize(
    ("request_", "detail"),
    [
        (a_form(("percent", None, b"30")), "The form has no file."),
        (a_form(("file", "", b"")), "The form has no file."),
        (a_form(("file", "a.csv", CSV), ("file", "b.csv", CSV)), "The form has more than one file."),
        (a_form(*[("percent", None, b"")] * 40), "The form has more than 32 parts."),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data; boundary=edge"}}, "The form ends"),
        ({"content": CSV, "headers": {"Content-Type": "multipart/form-data; boundary=edge"}}, "The body is no"),
        ({"content": CSV, "headers": {"Content-Type": "multipart/form-data"}}, "The Content-Type has no boundary."),
        (
            {"content": CSV, "headers": {"Content-Type": f"multipart/form-data; boundary={'x' * 300}"}},
            "The body is not valid multipart/form-data.",
        ),
        (
            {
                "content": a_form(("file", "a.csv", CSV))["content"][:-8],
                "headers": {"Content-Type": "multipart/form-data; boundary=edge"},
            },
            "The form ends in the middle of a part.",
        ),
    ],
)
async def test_a_form_without_exactly_one_complete_file_is_refused(
    gateway: Gateway, request_: dict[str, Any], detail: str
) -> None:
    document = problem(await gateway.http.post("/upload", **request_), 400)

    assert document["detail"].startswith(detail)
    assert document["errors"][0]["advice"]
    assert gateway.holds_nothing()


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "image/png", "multipart/mixed", None]
)
async def test_other_content_types_are_refused(gateway: Gateway, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    document = problem(await gateway.http.post("/upload", content=CSV * 5000, headers=headers), 415)

    assert "multipart/form-data" in document["detail"]
    assert gateway.holds_nothing()


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("form", [True, False])
async def test_a_too_large_upload_is_refused_with_and_without_content_length(
    gateway: Gateway, declared: bool, form: bool
) -> None:
    content = CSV + b"1,Lamp,https://images.test/1.jpg\n" * (2 * MAX_BYTES // 34)
    headers = {"Content-Type": "text/csv"}
    if form:
        whole = a_form(("file", "p.csv", content))
        content, headers = whole["content"], whole["headers"]

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 5_000):
            yield content[start : start + 5_000]

    answer = await gateway.http.post("/upload", content=content if declared else pieces(), headers=headers)

    document = problem(answer, 413)

    assert "300,000 bytes" in document["detail"]
    assert gateway.holds_nothing()


@pytest.mark.parametrize(
    ("query", "fields", "options"),
    [
        ("percent=0", [], ["percent"]),
        ("percent=100", [], ["percent"]),
        ("percent=12.5", [], ["percent"]),
        ("percent=50%25", [], ["percent"]),
        ("", [("percent", None, "½".encode())], ["percent"]),
        ("", [("percent", None, b"9" * 10_000)], ["percent"]),
        ("quality=80", [], ["quality"]),
        ("percent=40&percent=50", [], ["percent"]),
        ("percent=40", [("percent", None, b"50")], ["percent"]),
        ("webhook_url=hooks.test", [], ["webhook_url"]),
        ("webhook_url=ftp://hooks.test/", [], ["webhook_url"]),
        ("webhook_url=http://169.254.169.254/latest/", [], ["webhook_url"]),
        ("webhook_url=http://[::1]/", [], ["webhook_url"]),
        (
            "percent=x&Percent=3",
            [("webhook_url", None, b"?"), ("mode", None, b"a")],
            ["Percent", "percent", "mode", "webhook_url"],
        ),
    ],
)
async def test_every_invalid_option_is_listed(
    gateway: Gateway, query: str, fields: list[tuple[str, str | None, bytes]], options: list[str]
) -> None:
    answer = await gateway.http.post(f"/upload?{query}", **a_form(("file", "p.csv", CSV), *fields))

    document = problem(answer, 422)

    assert [fault["option"] for fault in document["errors"]] == options
    assert gateway.holds_nothing()


async def test_the_problem_of_an_unknown_option_lists_the_options(gateway: Gateway) -> None:
    document = problem(await gateway.http.post("/upload?quality=80", files={"file": CSV}), 422)

    assert document["detail"].startswith("'quality' is not an option; the options are percent, mode, ")
    assert document["detail"].endswith(" and webhook_url")


UPLOAD_HEAD = "POST /upload HTTP/1.1\nHost: imagemill.test\nContent-Type: text/csv\nContent-Length: 200000\n\n"


async def test_nothing_is_kept_of_an_upload_whose_client_disconnects(gateway: Gateway) -> None:
    _, writer = await send(gateway.port, UPLOAD_HEAD, CSV * 1000)
    await until(lambda: any(gateway.spool.iterdir()))

    writer.transport.abort()

    await until(gateway.holds_nothing)
    assert (await gateway.http.get("/livez")).status_code == 200


async def test_a_stalled_upload_is_refused(gateway: Gateway) -> None:
    reader, writer = await send(gateway.port, UPLOAD_HEAD, CSV)

    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10 * STALL_SECONDS)

    assert head.startswith(b"HTTP/1.1 408 ")
    await until(gateway.holds_nothing)
    writer.close()


async def test_an_upload_that_takes_too_long_is_refused(gateway: Gateway) -> None:
    reader, writer = await send(gateway.port, UPLOAD_HEAD, CSV)
    answering = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    started_at = asyncio.get_running_loop().time()

    # Not longer: a byte that arrives after the server has closed the connection would reset it.
    while asyncio.get_running_loop().time() < started_at + MAX_SECONDS:
        writer.write(b"1")  # often enough not to stall
        await writer.drain()
        await asyncio.sleep(STALL_SECONDS / 5)

    assert (await asyncio.wait_for(answering, 2 * MAX_SECONDS)).startswith(b"HTTP/1.1 408 ")
    assert b"urn:imagemill:problem:too-slow" in await reader.read()
    assert asyncio.get_running_loop().time() >= started_at + 0.9 * MAX_SECONDS
    await until(gateway.holds_nothing)
    writer.close()


async def test_a_client_that_expects_100_continue_is_refused_before_it_sends_the_body(gateway: Gateway) -> None:
    head = UPLOAD_HEAD.replace("200000", "999999999").replace("\n\n", "\nExpect: 100-continue\n\n")
    reader, writer = await send(gateway.port, head, b"")

    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)

    assert answer.startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_stopping_server_finishes_an_open_upload(gateway: Gateway) -> None:
    async with a_server(HealthEndpoints(gateway.health, gateway.registry)) as (server, port):
        server.app = gateway.server.app
        reader, writer = await send(port, UPLOAD_HEAD.replace("200000", str(len(CSV))), CSV[:40])
        await until(lambda: any(gateway.spool.iterdir()))

        stopping = asyncio.create_task(server.stop())
        await until(lambda: connection_is_refused(port))
        writer.write(CSV[40:])

        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 202 ")
        writer.close()
        await stopping


def connection_is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("dependency", ["storage", "database"])
async def test_an_unavailable_dependency_is_a_503(gateway: Gateway, dependency: str) -> None:
    gateway.store.available = dependency != "storage"
    gateway.database.available = dependency != "database"

    answer = await gateway.http.post("/upload", files={"file": CSV})

    document = problem(answer, 503)
    assert dependency in document["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    assert gateway.holds_nothing()
    assert not gateway.intake_opened.is_set()
