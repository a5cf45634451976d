"""Validations and dry runs, and the findings in the response to an upload, over HTTP."""

import asyncio
import json
import threading
from typing import Any

import httpx
import pytest

from services.gateway.catalogue import Inspection, inspect_catalogue
from services.gateway.upload import validate
from tests.support.running_gateway import CSV, Gateway, a_form, problem, send
from tests.support.waiting import until

CATALOGUE = CSV + b'2,Oak,"https://images.test/1.jpg,https://cdn.test/2.jpg"\r\n'
WITH_REFUSED_SLOT = CSV + b"2,Oak,ftp://images.test/2.jpg\r\n"
WITH_ERROR = WITH_REFUSED_SLOT + b'3,"Elm" table,https://images.test/3.jpg\r\n'
FINDING = {"severity", "row", "line", "column", "text", "problem", "advice"}
FOUND = {
    "profile": "generic",
    "delimiter": ",",
    "encoding": "utf-8",
    "rows": 2,
    "products": 2,
    "slots": 3,
    "images": 2,
    "refused_slots": 0,
    "findings": [],
    "more_findings": 0,
}
VALIDATIONS = [("/validate", {}), ("/upload", {"dry_run": "true"})]
each_validation = pytest.mark.parametrize(("path", "fields"), VALIDATIONS)


async def post_catalogue(gateway: Gateway, path: str, catalogue: bytes, fields: dict[str, str]) -> httpx.Response:
    return await gateway.http.post(path, files={"file": ("p.csv", catalogue, "text/csv")}, data=fields)


def stored_nothing(gateway: Gateway) -> bool:
    return gateway.holds_nothing() and not gateway.intake_opened.is_set()


@each_validation
async def test_a_validation_returns_what_was_found_and_stores_nothing(
    gateway: Gateway, path: str, fields: dict[str, str]
) -> None:
    answer = await post_catalogue(gateway, path, CATALOGUE, fields)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {**FOUND, "slots_by_host": {"images.test": 2, "cdn.test": 1}, "more_hosts": 0}
    assert "Location" not in answer.headers
    assert stored_nothing(gateway)
    assert gateway.registry.get_sample_value("imagemill_upload_bytes_total") == 0


@each_validation
async def test_a_validation_needs_neither_database_nor_store(
    gateway: Gateway, path: str, fields: dict[str, str]
) -> None:
    gateway.database.available = gateway.store.available = False

    assert (await post_catalogue(gateway, path, CATALOGUE, fields)).status_code == 200


@pytest.mark.parametrize("path", ["/validate", "/upload?dry_run=true"])
async def test_the_csv_may_be_the_body(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.post(path, content=CATALOGUE, headers={"Content-Type": "text/csv"})

    assert (answer.status_code, answer.json()["slots"]) == (200, 3)


async def test_the_response_to_an_upload_has_what_was_found(gateway: Gateway) -> None:
    answer = (await post_catalogue(gateway, "/upload", CATALOGUE, {"dry_run": "false"})).json()

    assert answer == {"request_id": answer["request_id"], "status": "Pending", **FOUND}
    assert list(gateway.database.tables.requests) == [answer["request_id"]]


@pytest.mark.parametrize(("path", "fields"), [*VALIDATIONS, ("/upload", {})])
async def test_an_unusable_catalogue_is_refused_with_all_findings(
    gateway: Gateway, path: str, fields: dict[str, str]
) -> None:
    document = problem(await post_catalogue(gateway, path, WITH_ERROR, fields), 400)

    assert document["type"] == "urn:imagemill:problem:catalogue"
    assert [(found["severity"], found["row"]) for found in document["findings"]] == [("slot_error", 3), ("error", 4)]
    assert all(found.keys() == FINDING for found in document["findings"])
    assert document["more_findings"] == 0
    assert stored_nothing(gateway)


@pytest.mark.parametrize(("path", "fields", "status"), [("/validate", {}, 200), ("/upload", {}, 202)])
async def test_a_refused_url_is_reported_and_skipped(
    gateway: Gateway, path: str, fields: dict[str, str], status: int
) -> None:
    answer = await post_catalogue(gateway, path, WITH_REFUSED_SLOT, fields)

    assert answer.status_code == status
    found = answer.json()
    [finding] = found["findings"]
    assert finding.keys() == FINDING
    assert (finding["severity"], finding["row"], finding["column"]) == ("slot_error", 3, "Input Image Urls")
    assert (found["slots"], found["refused_slots"], found["more_findings"]) == (2, 1, 0)


@pytest.mark.parametrize(("path", "fields"), [*VALIDATIONS, ("/upload", {})])
async def test_on_invalid_reject_refuses_a_catalogue_with_a_refused_url(
    gateway: Gateway, path: str, fields: dict[str, str]
) -> None:
    document = problem(await post_catalogue(gateway, path, WITH_REFUSED_SLOT, fields | {"on_invalid": "reject"}), 400)

    assert document["type"] == "urn:imagemill:problem:image-urls"
    assert "on_invalid is reject" in document["title"]
    assert [found["severity"] for found in document["findings"]] == ["slot_error"]
    assert stored_nothing(gateway)


async def test_on_invalid_reject_accepts_a_catalogue_without_refused_urls(gateway: Gateway) -> None:
    assert (await post_catalogue(gateway, "/upload", CATALOGUE, {"on_invalid": "reject"})).status_code == 202


SHOPIFY = b"Handle,Title,Image Src\r\nlamp,Lamp,https://images.test/1.jpg\r\nlamp,,https://images.test/2.jpg\r\n"


@pytest.mark.parametrize(("path", "status"), [("/validate", 200), ("/upload", 202)])
@pytest.mark.parametrize("asked", [{}, {"profile": "auto"}, {"profile": "shopify"}])
async def test_the_response_has_the_detected_or_named_profile(
    gateway: Gateway, path: str, status: int, asked: dict[str, str]
) -> None:
    answer = await post_catalogue(gateway, path, SHOPIFY, asked)

    assert answer.status_code == status, answer.text
    found = answer.json()
    assert (found["profile"], found["rows"], found["products"], found["slots"]) == ("shopify", 2, 1, 2)
    if status == 202:
        shown = (await gateway.http.get("/status", params={"request_id": found["request_id"]})).json()
        assert shown["profile"] == "shopify"


async def test_a_profile_that_does_not_match_the_header_is_refused(gateway: Gateway) -> None:
    problem(await post_catalogue(gateway, "/validate", CATALOGUE, {"profile": "woocommerce"}), 400)


async def test_the_response_has_the_delimiter_and_the_encoding(gateway: Gateway) -> None:
    catalogue = "S. No.;Product Name;Input Image Urls\r\n1;Öl;https://images.test/1.jpg\r\n"

    found = (await post_catalogue(gateway, "/validate", catalogue.encode("utf-8-sig"), {})).json()

    assert (found["delimiter"], found["encoding"]) == (";", "utf-8-sig")


async def test_a_validation_accepts_the_options_of_an_upload(gateway: Gateway) -> None:
    fields = {"percent": "40", "mode": "quality", "profile": "generic", "webhook_url": "https://hooks.test/"}

    assert (await post_catalogue(gateway, "/validate", CATALOGUE, fields)).status_code == 200


@pytest.mark.parametrize(
    ("path", "fields", "options"),
    [
        ("/upload", {"profile": "plenty", "on_invalid": "stop", "dry_run": "1"}, ["profile", "on_invalid", "dry_run"]),
        ("/validate", {"percent": "0", "profile": "plenty", "webhook_url": "?"}, ["percent", "profile", "webhook_url"]),
        ("/validate", {"dry_run": "true"}, ["dry_run"]),
        ("/upload", {"dry_run": "true", "percent": "0"}, ["percent"]),
    ],
)
async def test_invalid_options_are_reported_before_the_file_is_read(
    gateway: Gateway, path: str, fields: dict[str, str], options: list[str]
) -> None:
    document = problem(await post_catalogue(gateway, path, WITH_ERROR, fields), 422)

    assert [fault["option"] for fault in document["errors"]] == options
    assert "findings" not in document
    assert stored_nothing(gateway)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": CATALOGUE, "headers": {"Content-Type": "application/json"}}, 415),
        ({"content": CATALOGUE * 10_000, "headers": {"Content-Type": "text/csv"}}, 413),
        (a_form(("percent", None, b"30")), 400),
    ],
)
async def test_a_body_without_a_catalogue_is_refused_as_by_an_upload(
    gateway: Gateway, request_: dict[str, Any], status: int
) -> None:
    refusal = problem(await gateway.http.post("/validate", **request_), status)

    assert refusal == problem(await gateway.http.post("/upload", **request_), status)
    assert stored_nothing(gateway)


async def test_a_stalled_validation_is_ended(gateway: Gateway) -> None:
    head = "POST /validate HTTP/1.1\nHost: gateway\nContent-Type: text/csv\nContent-Length: 200000\n\n"
    reader, writer = await send(gateway.port, head, CSV)

    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).startswith(b"HTTP/1.1 408 ")
    await until(lambda: stored_nothing(gateway))
    writer.close()


async def test_the_openapi_document_has_findings_and_both_responses(gateway: Gateway) -> None:
    paths = (await gateway.http.get("/openapi.json")).json()["paths"]

    for path in ("/upload", "/validate"):
        answers = paths[path]["post"]["responses"]
        example = answers["400"]["content"]["application/problem+json"]["examples"]["catalogue"]["value"]
        assert {found["severity"] for found in example["findings"]} == {"error", "slot_error"}
        assert all(found.keys() == FINDING for found in example["findings"])
        schema = answers["200"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/CatalogueValidation"}
    assert "dry_run" in json.dumps(paths["/upload"])
    assert "dry_run" not in json.dumps(paths["/validate"])


class PausedInspection:
    """Replaces the inspection of catalogues: each call waits until `resume` is set."""

    def __init__(self) -> None:
        self.begun = 0
        self.at_once = 0
        self.most_at_once = 0
        self.resume = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, *args: Any, **kwargs: Any) -> Inspection:
        with self._lock:
            self.begun += 1
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            assert self.resume.wait(20)
            return inspect_catalogue(*args, **kwargs)
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> PausedInspection:
    paused = PausedInspection()
    monkeypatch.setattr(validate, "inspect_catalogue", paused)
    return paused


async def test_a_limited_number_of_catalogues_is_inspected_at_a_time(
    gateway: Gateway, paused: PausedInspection
) -> None:
    validations = [asyncio.create_task(post_catalogue(gateway, "/validate", CATALOGUE, {})) for _ in range(6)]
    await until(lambda: sum(1 for _ in gateway.spool.iterdir()) == 6 and paused.begun == 2)

    assert (await gateway.http.get("/livez")).status_code == 200  # other requests are answered meanwhile
    paused.resume.set()

    assert [answer.status_code for answer in await asyncio.gather(*validations)] == [200] * 6
    assert (paused.begun, paused.most_at_once) == (6, 2)


async def test_the_catalogue_of_a_client_that_left_while_waiting_is_not_inspected(
    gateway: Gateway, paused: PausedInspection
) -> None:
    validations = [asyncio.create_task(post_catalogue(gateway, "/validate", CATALOGUE, {})) for _ in range(2)]
    await until(lambda: paused.begun == 2)
    head = f"POST /upload HTTP/1.1\nHost: gateway\nContent-Type: text/csv\nContent-Length: {len(CSV)}\n\n"
    _, writer = await send(gateway.port, head, CSV)
    await until(lambda: sum(1 for _ in gateway.spool.iterdir()) == 3)

    writer.transport.abort()
    await writer.wait_closed()
    assert (await gateway.http.get("/livez")).status_code == 200  # by now the server has noticed
    paused.resume.set()

    await asyncio.gather(*validations)
    await until(lambda: stored_nothing(gateway))
    assert paused.begun == 2
