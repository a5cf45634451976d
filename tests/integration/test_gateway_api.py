"""The API as clients meet it: over HTTP on the loopback, with store and database in memory."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.gateway.api import build_starting_app
from shared.contracts.messages import CompressOptions
from shared.contracts.records import Progress
from shared.contracts.states import RequestStatus
from shared.observability import Health, HealthEndpoints
from tests.fakes import RequestRow
from tests.support.builders import NOW, REQUEST_ID, a_request, output_keys
from tests.support.running_gateway import (
    BASE_URL,
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
KEY = f"results/{REQUEST_ID}/oak-table-0123456789abcdef.jpg"


# POST /upload


async def test_an_accepted_upload_is_stored_and_recorded_before_the_answer(gateway: Gateway) -> None:
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
        request_id, filename="My Products.csv", options=DEFAULTS.model_copy(update={"percent": 40})
    )
    assert gateway.intake_opened.is_set()
    assert not any(gateway.spool.iterdir())
    assert gateway.registry.get_sample_value("imagemill_upload_bytes_total") == len(CSV)


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "Text/CSV; charset=utf-8", "application/csv", "application/vnd.ms-excel", "text/plain;charset=UTF-8"],
)
async def test_the_csv_may_be_the_body_and_the_options_query_parameters(gateway: Gateway, content_type: str) -> None:
    answer = await gateway.http.post(
        "/upload?percent=7&webhook_url=https://hooks.test/x%3Fa=b", content=CSV, headers={"Content-Type": content_type}
    )

    assert answer.status_code == 202
    recorded = await gateway.database.requests.get(answer.json()["request_id"])
    assert recorded is not None
    assert (recorded.options.percent, recorded.webhook_url) == (7, "https://hooks.test/x?a=b")
    assert gateway.store.objects[recorded.upload_key].data == CSV


@pytest.mark.parametrize(
    "parts",
    [
        [("percent", None, b"30"), ("file", "p.csv", CSV), ("webhook_url", None, b"https://hooks.test/")],
        [("file", "p.csv", CSV), ("webhook_url", None, b" https://hooks.test/ "), ("percent", None, b"30")],
        [("webhook_url", None, b"https://hooks.test/"), ("percent", None, b"30"), ("catalogue", "p.csv", CSV)],
        [("webhook_url", None, b"https://hooks.test/"), ("percent", None, b"30"), ("file", None, CSV)],
    ],
)
async def test_a_form_s_parts_may_come_in_any_order(
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
async def test_every_option_is_heard_in_form_and_query_and_shown_by_the_status(
    gateway: Gateway, in_query: bool
) -> None:
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


async def test_options_that_are_left_blank_have_their_defaults(gateway: Gateway) -> None:
    form = a_form(("percent", None, b""), ("webhook_url", None, b""), ("file", "C:\\Catalogues\\autumn.csv", CSV))

    answer = await gateway.http.post("/upload", **form)

    recorded = await gateway.database.requests.get(answer.json()["request_id"])
    assert recorded is not None
    assert (recorded.options.percent, recorded.webhook_url, recorded.filename) == (50, None, "autumn.csv")


async def test_two_uploads_of_one_file_are_two_requests(gateway: Gateway) -> None:
    answers = [await gateway.http.post("/upload", files={"file": CSV}) for _ in range(2)]

    first, second = (answer.json()["request_id"] for answer in answers)
    assert first[:10] == second[:10]  # the same millisecond
    assert abs(int(first[10:], 36) - int(second[10:], 36)) > 1000  # but nobody can guess one from the other


async def test_an_upload_may_be_as_large_as_allowed(gateway: Gateway) -> None:
    row = b"1,Lamp,https://images.test/1.jpg?" + b"x" * 1000 + b"\n"
    catalogue = CSV + row * ((MAX_BYTES - len(CSV)) // len(row))

    answer = await gateway.http.post("/upload", content=catalogue, headers={"Content-Type": "text/csv"})

    assert answer.status_code == 202
    assert gateway.store.objects[f"uploads/{answer.json()['request_id']}.csv"].data == catalogue


@pytest.mark.parametrize(
    ("catalogue", "told"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "the file is not CSV text: it looks like a PNG image"),
        (b"a,b\n1,2\n", "the file has no header"),
        (b"S. No.,Product Name\n1,2\n", 'the column "Input Image Urls" is missing'),
        (CSV.splitlines()[0], "the file has no data rows"),
        (CSV + b'2,"Oak', "a quote is opened here and never closed"),
    ],
)
async def test_a_file_that_is_no_catalogue_is_refused(gateway: Gateway, catalogue: bytes, told: str) -> None:
    by_form = await gateway.http.post("/upload", files={"file": ("p.csv", catalogue, "text/csv")})
    as_body = await gateway.http.post("/upload", content=catalogue, headers={"Content-Type": "text/csv"})

    assert problem(by_form, 400)["findings"][0]["problem"] == told
    assert problem(as_body, 400) == problem(by_form, 400)
    assert gateway.holds_nothing()


async def test_every_fault_of_a_file_is_listed_with_its_place(gateway: Gateway) -> None:
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


async def test_a_url_that_is_none_fails_its_slot_and_not_the_upload(gateway: Gateway) -> None:
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
async def test_a_form_without_one_whole_file_is_refused(
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


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("form", [True, False])
async def test_too_large_an_upload_is_refused_announced_or_not(gateway: Gateway, announced: bool, form: bool) -> None:
    content = CSV + b"1,Lamp,https://images.test/1.jpg\n" * (2 * MAX_BYTES // 34)
    headers = {"Content-Type": "text/csv"}
    if form:
        whole = a_form(("file", "p.csv", content))
        content, headers = whole["content"], whole["headers"]

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 5_000):
            yield content[start : start + 5_000]

    answer = await gateway.http.post("/upload", content=content if announced else pieces(), headers=headers)

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
async def test_every_option_that_cannot_be_used_is_named(
    gateway: Gateway, query: str, fields: list[tuple[str, str | None, bytes]], options: list[str]
) -> None:
    answer = await gateway.http.post(f"/upload?{query}", **a_form(("file", "p.csv", CSV), *fields))

    document = problem(answer, 422)

    assert [fault["option"] for fault in document["errors"]] == options
    assert gateway.holds_nothing()


async def test_an_unknown_option_s_problem_says_which_there_are(gateway: Gateway) -> None:
    document = problem(await gateway.http.post("/upload?quality=80", files={"file": CSV}), 422)

    assert document["detail"].startswith("'quality' is not an option; the options are percent, mode, ")
    assert document["detail"].endswith(" and webhook_url")


UPLOAD_HEAD = "POST /upload HTTP/1.1\nHost: imagemill.test\nContent-Type: text/csv\nContent-Length: 200000\n\n"


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(gateway: Gateway) -> None:
    _, writer = await send(gateway.port, UPLOAD_HEAD, CSV * 1000)
    await until(lambda: any(gateway.spool.iterdir()))

    writer.transport.abort()

    await until(gateway.holds_nothing)
    assert (await gateway.http.get("/livez")).status_code == 200


async def test_an_upload_that_comes_to_a_halt_is_given_up(gateway: Gateway) -> None:
    reader, writer = await send(gateway.port, UPLOAD_HEAD, CSV)

    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10 * STALL_SECONDS)

    assert head.startswith(b"HTTP/1.1 408 ")
    await until(gateway.holds_nothing)
    writer.close()


async def test_an_upload_that_trickles_in_is_given_up_in_the_end(gateway: Gateway) -> None:
    reader, writer = await send(gateway.port, UPLOAD_HEAD, CSV)
    answering = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    begun = asyncio.get_running_loop().time()

    while not answering.done():
        writer.write(b"1")  # often enough not to stall
        await writer.drain()
        await asyncio.wait([answering], timeout=STALL_SECONDS / 5)
        assert asyncio.get_running_loop().time() < begun + 3 * MAX_SECONDS

    assert (await answering).startswith(b"HTTP/1.1 408 ")
    assert b"urn:imagemill:problem:too-slow" in await reader.read()
    assert asyncio.get_running_loop().time() >= begun + 0.9 * MAX_SECONDS
    await until(gateway.holds_nothing)
    writer.close()


async def test_a_client_that_asks_first_is_told_before_it_sends(gateway: Gateway) -> None:
    head = UPLOAD_HEAD.replace("200000", "999999999").replace("\n\n", "\nExpect: 100-continue\n\n")
    reader, writer = await send(gateway.port, head, b"")

    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)

    assert answer.startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_stop_lets_an_upload_under_way_finish(gateway: Gateway) -> None:
    async with a_server(HealthEndpoints(gateway.health, gateway.registry)) as (server, port):
        server.app = gateway.server.app
        reader, writer = await send(port, UPLOAD_HEAD.replace("200000", str(len(CSV))), CSV[:40])
        await until(lambda: any(gateway.spool.iterdir()))

        stopping = asyncio.create_task(server.stop())
        with pytest.raises(ConnectionRefusedError):
            await until(lambda: connects(port))
        writer.write(CSV[40:])

        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 202 ")
        writer.close()
        await stopping


def connects(port: int) -> bool:
    """False while somebody listens on the port; raises ConnectionRefusedError when nobody does any more."""
    socket.create_connection(("127.0.0.1", port)).close()
    return False


@pytest.mark.parametrize("dependency", ["storage", "database"])
async def test_a_fault_of_our_own_refuses_for_now(gateway: Gateway, dependency: str) -> None:
    gateway.store.available = dependency != "storage"
    gateway.database.available = dependency != "database"

    answer = await gateway.http.post("/upload", files={"file": CSV})

    document = problem(answer, 503)
    assert dependency in document["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    assert gateway.holds_nothing()
    assert not gateway.intake_opened.is_set()


# GET /status


async def test_the_status_of_a_new_request(gateway: Gateway) -> None:
    await gateway.database.requests.insert(a_request())

    answer = await gateway.http.get("/status", params={"request_id": REQUEST_ID})

    assert answer.status_code == 200
    assert answer.json() == {
        "request_id": REQUEST_ID,
        "status": "Pending",
        "round": 1,
        "profile": "generic",
        "options": CompressOptions().model_dump(),
        "output_csv_url": None,
        "report_url": None,
        "failed_csv_url": None,
        "report_json_url": None,
        "created_at": "2026-01-05T12:00:00.000Z",
        "updated_at": "2026-01-05T12:00:00.000Z",
        "progress": {
            "total": 0,
            "compressed": 0,
            "failed": 0,
            "pending": 0,
            "reused": None,
            "as_of": "2026-01-05T12:00:00.000Z",
        },
        "paused_hosts": [],
    }
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_status_of_a_finished_request(gateway: Gateway) -> None:
    later = NOW + timedelta(minutes=3)
    finished = replace(
        a_request(),
        status=RequestStatus.COMPLETED,
        intake_open=False,
        updated_at=later,
        finished_at=later,
        progress=Progress(total=3, compressed=2, failed=1, pending=0, as_of=later, reused=1),
        **asdict(output_keys()),
    )
    gateway.database.tables.requests[REQUEST_ID] = RequestRow(finished, later)

    answer = await gateway.http.get("/status", params={"request_id": REQUEST_ID})

    told = answer.json()
    assert told["status"] == "Completed"
    assert told["output_csv_url"] == f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-compressed.csv"
    assert told["report_url"] == f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-report.csv"
    assert told["failed_csv_url"] == f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-failed.csv"
    assert told["report_json_url"] == f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-report.json"
    assert (told["progress"]["failed"], told["progress"]["reused"]) == (1, 1)
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("request_id", [REQUEST_ID, "", "x", "../../etc", "\0", "x" * 5000])
async def test_a_request_that_is_not_there_is_not_found(gateway: Gateway, request_id: str) -> None:
    document = problem(await gateway.http.get("/status", params={"request_id": request_id}), 404)

    assert document["type"] == "urn:imagemill:problem:unknown-request"


async def test_a_status_must_be_asked_for_by_id(gateway: Gateway) -> None:
    document = problem(await gateway.http.get("/status"), 422)

    assert document["type"] == "urn:imagemill:problem:parameter"
    assert document["errors"] == [{"detail": "request_id is missing", "option": "request_id"}]


# Errors of any path


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing/here", 404),
        ("GET", "/upload", 405),
        ("PUT", "/upload", 405),
        ("POST", "/status", 405),
        ("DELETE", f"/{KEY}", 405),
        ("POST", "/livez", 405),
        ("GET", "/static/swagger-ui/nothing.js", 404),
    ],
)
async def test_unknown_paths_and_methods_are_problems_too(
    gateway: Gateway, method: str, path: str, status: int
) -> None:
    answer = await gateway.http.request(method, path)

    problem(answer, status)
    assert ("Allow" in answer.headers) == (status == 405)


async def test_what_nobody_expected_is_a_problem_that_tells_no_secrets(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: str) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(gateway.database.requests, "current", fails)

    answer = await gateway.http.get("/status", params={"request_id": REQUEST_ID})

    problem(answer, 500)
    assert "hunter2" not in answer.text


# Results and outputs


@pytest.fixture
async def picture(gateway: Gateway) -> bytes:
    data = bytes(range(256)) * 40
    await gateway.store.put_bytes(KEY, data, "image/jpeg")
    return data


async def test_a_result_is_served_with_what_caches_want_to_know(gateway: Gateway, picture: bytes) -> None:
    got = await gateway.http.get(f"/{KEY}")
    head = await gateway.http.head(f"/{KEY}")

    assert (got.status_code, got.content) == (200, picture)
    assert (head.status_code, head.content) == (200, b"")
    for name, value in {
        "Content-Type": "image/jpeg",
        "Content-Length": str(len(picture)),
        "Last-Modified": "Mon, 05 Jan 2026 12:00:00 GMT",
        "Cache-Control": "public, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
    }.items():
        assert got.headers[name] == head.headers[name] == value
    assert got.headers["ETag"] == head.headers["ETag"]
    assert "Content-Disposition" not in got.headers


@pytest.mark.parametrize(
    ("extension", "content_type"),
    [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp"), ("svg", "application/octet-stream")],
)
async def test_a_result_s_content_type_is_its_extension_s(gateway: Gateway, extension: str, content_type: str) -> None:
    await gateway.store.put_bytes(f"results/x/a.{extension}", b"<svg>", "text/html")

    assert (await gateway.http.get(f"/results/x/a.{extension}")).headers["Content-Type"] == content_type


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("autumn-compressed.csv", "text/csv"),  # in whatever encoding the upload had
        ("autumn-failed.csv", "text/csv"),
        ("autumn-report.csv", "text/csv; charset=utf-8"),
        ("autumn-report.json", "application/json"),
    ],
)
async def test_an_output_is_a_download_with_a_sensible_name(gateway: Gateway, name: str, content_type: str) -> None:
    await gateway.store.put_bytes(f"outputs/{REQUEST_ID}/1/{name}", CSV, "text/csv")

    answer = await gateway.http.get(f"/outputs/{REQUEST_ID}/1/{name}")

    assert answer.content == CSV
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


async def test_an_empty_object_is_served_as_such(gateway: Gateway) -> None:
    await gateway.store.put_bytes("outputs/x/1/a.csv", b"", "text/csv")

    answer = await gateway.http.get("/outputs/x/1/a.csv")

    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


async def test_who_has_an_object_is_told_so(gateway: Gateway, picture: bytes) -> None:
    etag = (await gateway.http.get(f"/{KEY}")).headers["ETag"]

    for condition in (
        {"If-None-Match": etag},
        {"If-None-Match": f'"other", W/{etag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "Mon, 05 Jan 2026 12:00:00 GMT"},
    ):
        answer = await gateway.http.get(f"/{KEY}", headers=condition)
        assert (answer.status_code, answer.content) == (304, b""), condition
        assert answer.headers["ETag"] == etag
    for condition in (
        {"If-None-Match": '"other"', "If-Modified-Since": "Mon, 05 Jan 2026 12:00:00 GMT"},
        {"If-Modified-Since": "Sun, 04 Jan 2026 12:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
    ):
        assert (await gateway.http.get(f"/{KEY}", headers=condition)).content == picture, condition


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, 10240),
        ("bytes=-40", 10200, 10240),
        ("bytes=10000-99999", 10000, 10240),
    ],
)
async def test_a_part_of_an_object_can_be_had(
    gateway: Gateway, picture: bytes, header: str, start: int, end: int
) -> None:
    answer = await gateway.http.get(f"/{KEY}", headers={"Range": header})

    assert (answer.status_code, answer.content) == (206, picture[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/10240"
    assert answer.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("header", ["bytes=10240-", "bytes=-0", "bytes=20000-20001"])
async def test_a_part_outside_an_object_cannot(gateway: Gateway, picture: bytes, header: str) -> None:
    answer = await gateway.http.get(f"/{KEY}", headers={"Range": header})

    problem(answer, 416)
    assert answer.headers["Content-Range"] == f"bytes */{len(picture)}"


@pytest.mark.parametrize("header", ["bytes=0-1,4-5", "bytes=5-2", "bytes=-", "lines=1-2", "nonsense"])
async def test_ranges_that_are_not_understood_are_ignored(gateway: Gateway, picture: bytes, header: str) -> None:
    answer = await gateway.http.get(f"/{KEY}", headers={"Range": header})

    assert (answer.status_code, answer.content) == (200, picture)


async def test_a_range_of_an_older_object_gets_the_new_one_whole(gateway: Gateway, picture: bytes) -> None:
    etag = (await gateway.http.head(f"/{KEY}")).headers["ETag"]

    same = await gateway.http.get(f"/{KEY}", headers={"Range": "bytes=0-4", "If-Range": etag})
    other = await gateway.http.get(f"/{KEY}", headers={"Range": "bytes=0-4", "If-Range": '"other"'})

    assert (same.status_code, same.content) == (206, picture[:5])
    assert (other.status_code, other.content) == (200, picture)


@pytest.mark.parametrize(
    "path",
    [
        f"/uploads/{REQUEST_ID}.csv",
        "/originals/r/image",
        "/results/../uploads/secret.csv",
        "/results/%2e%2e/uploads/secret.csv",
        "/results/..%2fuploads/secret.csv",
        "/results//uploads/secret.csv",
        "/results/",
        "/results/x",
        "/outputs/x/%00",
        "/results/" + "x" * 3000,
    ],
)
async def test_nothing_else_of_the_store_is_served(gateway: Gateway, path: str) -> None:
    for key in (f"uploads/{REQUEST_ID}.csv", "uploads/secret.csv", "originals/r/image"):
        await gateway.store.put_bytes(key, b"secret", "text/csv")
    reader, writer = await send(gateway.port, f"GET {path} HTTP/1.1\nHost: imagemill.test\nConnection: close\n\n", b"")

    answer = await reader.read()  # httpx would tidy the path up before it sends it

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"secret\n" not in answer
    writer.close()


async def test_a_store_that_does_not_answer_is_told_by_the_status(gateway: Gateway, picture: bytes) -> None:
    assert picture
    gateway.store.available = False

    problem(await gateway.http.get(f"/{KEY}"), 503)


# Documentation and health


async def test_the_documentation_needs_nothing_from_elsewhere(gateway: Gateway) -> None:
    home = await gateway.http.get("/")
    page = await gateway.http.get("/docs")

    assert (home.status_code, home.headers["Location"]) == (307, "docs")
    assert page.status_code == 200
    assert "://" not in page.text
    for asset in ("swagger-ui/swagger-ui-bundle.js", "swagger-ui/swagger-ui.css", "docs.js"):
        assert f'"static/{asset}"' in page.text
        assert (await gateway.http.get(f"/static/{asset}")).status_code == 200


async def test_the_api_describes_itself(gateway: Gateway) -> None:
    document = (await gateway.http.get("/openapi.json")).json()

    retry = "/requests/{request_id}/retry"
    assert set(document["paths"]) == {"/upload", "/validate", "/status", retry, "/results/{path}", "/outputs/{path}"}
    assert document["paths"][retry]["post"]["responses"].keys() == {"202", "404", "409", "422", "503"}
    upload = document["paths"]["/upload"]["post"]
    assert {"multipart/form-data", "text/csv"} <= upload["requestBody"]["content"].keys()
    assert {"200", "202", "400", "408", "413", "415", "422", "503"} == upload["responses"].keys()
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                assert int(status) < 400 or "application/problem+json" in response["content"]
    for reference in references(document):
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
    assert "HTTPValidationError" not in json.dumps(document)


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        here = [part["$ref"]] if "$ref" in part else []
        return here + [each for value in part.values() for each in references(value)]
    return [each for value in part for each in references(value)] if isinstance(part, list) else []


async def test_health_and_metrics_are_answered_on_the_same_port(gateway: Gateway) -> None:
    gateway.health.set_ready("database", False, "no primary")

    assert (await gateway.http.get("/livez")).status_code == 200
    unready = await gateway.http.get("/readyz")
    assert unready.status_code == 503
    assert "no primary" in unready.text
    gateway.health.set_ready("database", True)
    assert (await gateway.http.get("/readyz")).status_code == 200
    assert "imagemill_upload_bytes_total" in (await gateway.http.get("/metrics")).text


async def readiness(gateway: Gateway) -> int:
    return (await gateway.http.get("/readyz")).status_code


async def is_ready(gateway: Gateway) -> bool:
    return await readiness(gateway) == 200


async def test_whoever_misses_the_store_makes_the_gateway_unready_until_it_answers(
    gateway: Gateway, picture: bytes
) -> None:
    assert picture
    await gateway.database.requests.insert(a_request())
    assert await readiness(gateway) == 200
    for method, path in (("GET", f"/{KEY}"), ("POST", "/upload")):
        gateway.store.available = False
        problem(await gateway.http.request(method, path, files={"file": CSV} if method == "POST" else None), 503)

        unready = await gateway.http.get("/readyz")

        assert (unready.status_code, list(unready.json()["not_ready"])) == (503, ["storage"])
        assert (await gateway.http.get("/status", params={"request_id": REQUEST_ID})).status_code == 200
        gateway.store.available = True
        await until(lambda: is_ready(gateway), what="the gateway is ready")


async def test_whoever_misses_the_database_makes_the_gateway_unready_until_it_answers(
    gateway: Gateway, picture: bytes
) -> None:
    gateway.database.available = False
    problem(await gateway.http.get("/status", params={"request_id": REQUEST_ID}), 503)

    assert await readiness(gateway) == 503
    assert (await gateway.http.get(f"/{KEY}")).content == picture
    gateway.database.available = True
    await until(lambda: is_ready(gateway), what="the gateway is ready")


async def test_before_the_database_is_there_all_but_health_is_unavailable(gateway: Gateway) -> None:
    gateway.server.app = build_starting_app(HealthEndpoints(Health(), gateway.registry))

    assert (await gateway.http.get("/livez")).status_code == 200
    assert (await gateway.http.get("/readyz")).status_code == 503
    upload: Awaitable[httpx.Response] = gateway.http.post("/upload", files={"file": CSV})
    problem(await upload, 503)
    problem(await gateway.http.get("/status", params={"request_id": REQUEST_ID}), 503)
