"""GET and HEAD of results and outputs: headers, conditional requests, ranges, and what is not served."""

import pytest

from tests.support.builders import REQUEST_ID
from tests.support.running_gateway import (
    CSV,
    RESULT_KEY,
    Gateway,
    problem,
    send,
)


async def test_a_result_has_the_headers_that_caches_need(gateway: Gateway, picture: bytes) -> None:
    got = await gateway.http.get(f"/{RESULT_KEY}")
    head = await gateway.http.head(f"/{RESULT_KEY}")

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
async def test_the_content_type_of_a_result_follows_its_extension(
    gateway: Gateway, extension: str, content_type: str
) -> None:
    await gateway.store.put_bytes(f"results/x/a.{extension}", b"<svg>", "text/html")

    assert (await gateway.http.get(f"/results/x/a.{extension}")).headers["Content-Type"] == content_type


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("autumn-compressed.csv", "text/csv"),  # in the encoding of the upload
        ("autumn-failed.csv", "text/csv"),
        ("autumn-report.csv", "text/csv; charset=utf-8"),
        ("autumn-report.json", "application/json"),
    ],
)
async def test_an_output_is_a_download_named_after_the_upload(gateway: Gateway, name: str, content_type: str) -> None:
    await gateway.store.put_bytes(f"outputs/{REQUEST_ID}/1/{name}", CSV, "text/csv")

    answer = await gateway.http.get(f"/outputs/{REQUEST_ID}/1/{name}")

    assert answer.content == CSV
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


async def test_an_empty_object_is_served(gateway: Gateway) -> None:
    await gateway.store.put_bytes("outputs/x/1/a.csv", b"", "text/csv")

    answer = await gateway.http.get("/outputs/x/1/a.csv")

    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


async def test_a_client_that_has_the_object_gets_a_304(gateway: Gateway, picture: bytes) -> None:
    etag = (await gateway.http.get(f"/{RESULT_KEY}")).headers["ETag"]

    for condition in (
        {"If-None-Match": etag},
        {"If-None-Match": f'"other", W/{etag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "Mon, 05 Jan 2026 12:00:00 GMT"},
    ):
        answer = await gateway.http.get(f"/{RESULT_KEY}", headers=condition)
        assert (answer.status_code, answer.content) == (304, b""), condition
        assert answer.headers["ETag"] == etag
    for condition in (
        {"If-None-Match": '"other"', "If-Modified-Since": "Mon, 05 Jan 2026 12:00:00 GMT"},
        {"If-Modified-Since": "Sun, 04 Jan 2026 12:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
    ):
        assert (await gateway.http.get(f"/{RESULT_KEY}", headers=condition)).content == picture, condition


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, 10240),
        ("bytes=-40", 10200, 10240),
        ("bytes=10000-99999", 10000, 10240),
    ],
)
async def test_a_range_of_an_object_is_served(
    gateway: Gateway, picture: bytes, header: str, start: int, end: int
) -> None:
    answer = await gateway.http.get(f"/{RESULT_KEY}", headers={"Range": header})

    assert (answer.status_code, answer.content) == (206, picture[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/10240"
    assert answer.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("header", ["bytes=10240-", "bytes=-0", "bytes=20000-20001"])
async def test_a_range_outside_the_object_is_refused(gateway: Gateway, picture: bytes, header: str) -> None:
    answer = await gateway.http.get(f"/{RESULT_KEY}", headers={"Range": header})

    problem(answer, 416)
    assert answer.headers["Content-Range"] == f"bytes */{len(picture)}"


@pytest.mark.parametrize("header", ["bytes=0-1,4-5", "bytes=5-2", "bytes=-", "lines=1-2", "nonsense"])
async def test_unsupported_ranges_are_ignored(gateway: Gateway, picture: bytes, header: str) -> None:
    answer = await gateway.http.get(f"/{RESULT_KEY}", headers={"Range": header})

    assert (answer.status_code, answer.content) == (200, picture)


async def test_if_range_with_another_etag_returns_the_whole_object(gateway: Gateway, picture: bytes) -> None:
    etag = (await gateway.http.head(f"/{RESULT_KEY}")).headers["ETag"]

    same = await gateway.http.get(f"/{RESULT_KEY}", headers={"Range": "bytes=0-4", "If-Range": etag})
    other = await gateway.http.get(f"/{RESULT_KEY}", headers={"Range": "bytes=0-4", "If-Range": '"other"'})

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
async def test_only_results_and_outputs_are_served(gateway: Gateway, path: str) -> None:
    for key in (f"uploads/{REQUEST_ID}.csv", "uploads/secret.csv", "originals/r/image"):
        await gateway.store.put_bytes(key, b"secret", "text/csv")
    reader, writer = await send(gateway.port, f"GET {path} HTTP/1.1\nHost: imagemill.test\nConnection: close\n\n", b"")

    answer = await reader.read()  # httpx would normalise the path

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"secret\n" not in answer
    writer.close()


async def test_an_unavailable_store_is_a_503(gateway: Gateway, picture: bytes) -> None:
    assert picture
    gateway.store.available = False

    problem(await gateway.http.get(f"/{RESULT_KEY}"), 503)
