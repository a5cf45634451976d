"""Trying a catalogue without having it taken, and being told what was found in one that is: over HTTP."""

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
WITH_A_SLOT = CSV + b"2,Oak,ftp://images.test/2.jpg\r\n"
FAULTY = WITH_A_SLOT + b'3,"Elm" table,https://images.test/3.jpg\r\n'
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
TRIES = [("/validate", {}), ("/upload", {"dry_run": "true"})]
either = pytest.mark.parametrize(("path", "fields"), TRIES)


async def sent(gateway: Gateway, path: str, catalogue: bytes, fields: dict[str, str]) -> httpx.Response:
    return await gateway.http.post(path, files={"file": ("p.csv", catalogue, "text/csv")}, data=fields)


def left_no_trace(gateway: Gateway) -> bool:
    return gateway.holds_nothing() and not gateway.arrived.is_set()


@either
async def test_a_try_says_what_an_upload_would_do_and_does_nothing(
    gateway: Gateway, path: str, fields: dict[str, str]
) -> None:
    answer = await sent(gateway, path, CATALOGUE, fields)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {**FOUND, "hosts": {"images.test": 2, "cdn.test": 1}, "more_hosts": 0}
    assert "Location" not in answer.headers
    assert left_no_trace(gateway)
    assert gateway.registry.get_sample_value("imagemill_upload_bytes_total") == 0


@either
async def test_neither_database_nor_store_is_asked(gateway: Gateway, path: str, fields: dict[str, str]) -> None:
    gateway.database.available = gateway.store.available = False

    assert (await sent(gateway, path, CATALOGUE, fields)).status_code == 200


@pytest.mark.parametrize("path", ["/validate", "/upload?dry_run=true"])
async def test_the_csv_may_be_the_body(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.post(path, content=CATALOGUE, headers={"Content-Type": "text/csv"})

    assert (answer.status_code, answer.json()["slots"]) == (200, 3)


async def test_the_answer_to_an_upload_says_what_was_found(gateway: Gateway) -> None:
    answer = (await sent(gateway, "/upload", CATALOGUE, {"dry_run": "false"})).json()

    assert answer == {"request_id": answer["request_id"], "status": "Pending", **FOUND}
    assert list(gateway.database.tables.requests) == [answer["request_id"]]


@pytest.mark.parametrize(("path", "fields"), [*TRIES, ("/upload", {})])
async def test_what_cannot_be_used_is_told_with_everything_else(
    gateway: Gateway, path: str, fields: dict[str, str]
) -> None:
    document = problem(await sent(gateway, path, FAULTY, fields), 400)

    assert document["type"] == "urn:imagemill:problem:catalogue"
    assert [(found["severity"], found["row"]) for found in document["findings"]] == [("slot_error", 3), ("error", 4)]
    assert all(found.keys() == FINDING for found in document["findings"])
    assert document["more_findings"] == 0
    assert left_no_trace(gateway)


@pytest.mark.parametrize(("path", "fields", "status"), [("/validate", {}, 200), ("/upload", {}, 202)])
async def test_a_url_that_cannot_be_used_is_told_and_skipped(
    gateway: Gateway, path: str, fields: dict[str, str], status: int
) -> None:
    answer = await sent(gateway, path, WITH_A_SLOT, fields)

    assert answer.status_code == status
    told = answer.json()
    [finding] = told["findings"]
    assert finding.keys() == FINDING
    assert (finding["severity"], finding["row"], finding["column"]) == ("slot_error", 3, "Input Image Urls")
    assert (told["slots"], told["refused_slots"], told["more_findings"]) == (2, 1, 0)


@pytest.mark.parametrize(("path", "fields"), [*TRIES, ("/upload", {})])
async def test_whoever_wants_all_or_nothing_gets_the_url_as_a_problem(
    gateway: Gateway, path: str, fields: dict[str, str]
) -> None:
    document = problem(await sent(gateway, path, WITH_A_SLOT, fields | {"on_invalid": "reject"}), 400)

    assert document["type"] == "urn:imagemill:problem:image-urls"
    assert "on_invalid is reject" in document["title"]
    assert [found["severity"] for found in document["findings"]] == ["slot_error"]
    assert left_no_trace(gateway)


async def test_all_or_nothing_takes_a_catalogue_without_such_urls(gateway: Gateway) -> None:
    assert (await sent(gateway, "/upload", CATALOGUE, {"on_invalid": "reject"})).status_code == 202


SHOPIFY = b"Handle,Title,Image Src\r\nlamp,Lamp,https://images.test/1.jpg\r\nlamp,,https://images.test/2.jpg\r\n"


@pytest.mark.parametrize(("path", "status"), [("/validate", 200), ("/upload", 202)])
@pytest.mark.parametrize("asked", [{}, {"profile": "auto"}, {"profile": "shopify"}])
async def test_a_profile_is_found_or_named_and_told(
    gateway: Gateway, path: str, status: int, asked: dict[str, str]
) -> None:
    answer = await sent(gateway, path, SHOPIFY, asked)

    assert answer.status_code == status, answer.text
    told = answer.json()
    assert (told["profile"], told["rows"], told["products"], told["slots"]) == ("shopify", 2, 1, 2)
    if status == 202:
        shown = (await gateway.http.get("/status", params={"request_id": told["request_id"]})).json()
        assert shown["profile"] == "shopify"


async def test_a_profile_that_does_not_fit_is_refused(gateway: Gateway) -> None:
    problem(await sent(gateway, "/validate", CATALOGUE, {"profile": "woocommerce"}), 400)


async def test_a_byte_order_mark_and_a_semicolon_are_told(gateway: Gateway) -> None:
    catalogue = "S. No.;Product Name;Input Image Urls\r\n1;Öl;https://images.test/1.jpg\r\n"

    told = (await sent(gateway, "/validate", catalogue.encode("utf-8-sig"), {})).json()

    assert (told["delimiter"], told["encoding"]) == (";", "utf-8-sig")


async def test_the_very_same_form_is_understood_and_checked(gateway: Gateway) -> None:
    fields = {"percent": "40", "mode": "quality", "profile": "generic", "webhook_url": "https://hooks.test/"}

    assert (await sent(gateway, "/validate", CATALOGUE, fields)).status_code == 200


@pytest.mark.parametrize(
    ("path", "fields", "options"),
    [
        ("/upload", {"profile": "amazon", "on_invalid": "stop", "dry_run": "1"}, ["profile", "on_invalid", "dry_run"]),
        ("/validate", {"percent": "0", "profile": "amazon", "webhook_url": "?"}, ["percent", "profile", "webhook_url"]),
        ("/validate", {"dry_run": "true"}, ["dry_run"]),
        ("/upload", {"dry_run": "true", "percent": "0"}, ["percent"]),
    ],
)
async def test_options_that_cannot_be_used_are_named_before_the_file_is_read(
    gateway: Gateway, path: str, fields: dict[str, str], options: list[str]
) -> None:
    document = problem(await sent(gateway, path, FAULTY, fields), 422)

    assert [fault["option"] for fault in document["errors"]] == options
    assert "findings" not in document
    assert left_no_trace(gateway)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": CATALOGUE, "headers": {"Content-Type": "application/json"}}, 415),
        ({"content": CATALOGUE * 10_000, "headers": {"Content-Type": "text/csv"}}, 413),
        (a_form(("percent", None, b"30")), 400),
    ],
)
async def test_what_is_no_catalogue_at_all_is_refused_as_by_an_upload(
    gateway: Gateway, request_: dict[str, Any], status: int
) -> None:
    tried = problem(await gateway.http.post("/validate", **request_), status)

    assert tried == problem(await gateway.http.post("/upload", **request_), status)
    assert left_no_trace(gateway)


async def test_a_try_that_comes_to_a_halt_is_given_up(gateway: Gateway) -> None:
    head = "POST /validate HTTP/1.1\nHost: mill\nContent-Type: text/csv\nContent-Length: 200000\n\n"
    reader, writer = await send(gateway.port, head, CSV)

    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).startswith(b"HTTP/1.1 408 ")
    await until(lambda: left_no_trace(gateway))
    writer.close()


async def test_the_documentation_shows_findings_and_both_answers(gateway: Gateway) -> None:
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


class HeldUp:
    """Stands before the inspection of catalogues and lets none through until it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.at_once = 0
        self.most_at_once = 0
        self.let_go = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, *asked: Any, **also: Any) -> Inspection:
        with self._lock:
            self.begun += 1
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            assert self.let_go.wait(20)
            return inspect_catalogue(*asked, **also)
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> HeldUp:
    held_up = HeldUp()
    monkeypatch.setattr(validate, "inspect_catalogue", held_up)
    return held_up


async def test_catalogues_are_read_a_few_at_a_time_and_others_wait_their_turn(
    gateway: Gateway, held_up: HeldUp
) -> None:
    tries = [asyncio.create_task(sent(gateway, "/validate", CATALOGUE, {})) for _ in range(6)]
    await until(lambda: sum(1 for _ in gateway.spool.iterdir()) == 6 and held_up.begun == 2)

    assert (await gateway.http.get("/livez")).status_code == 200  # meanwhile all else is answered
    held_up.let_go.set()

    assert [answer.status_code for answer in await asyncio.gather(*tries)] == [200] * 6
    assert (held_up.begun, held_up.most_at_once) == (6, 2)


async def test_a_client_that_leaves_the_queue_has_nothing_read(gateway: Gateway, held_up: HeldUp) -> None:
    tries = [asyncio.create_task(sent(gateway, "/validate", CATALOGUE, {})) for _ in range(2)]
    await until(lambda: held_up.begun == 2)
    head = f"POST /upload HTTP/1.1\nHost: mill\nContent-Type: text/csv\nContent-Length: {len(CSV)}\n\n"
    _, writer = await send(gateway.port, head, CSV)
    await until(lambda: sum(1 for _ in gateway.spool.iterdir()) == 3)

    writer.transport.abort()
    await writer.wait_closed()
    assert (await gateway.http.get("/livez")).status_code == 200  # by now the server has noticed
    held_up.let_go.set()

    await asyncio.gather(*tries)
    await until(lambda: left_no_trace(gateway))
    assert held_up.begun == 2
