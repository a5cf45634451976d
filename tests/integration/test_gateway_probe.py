"""A validation with `probe`: JSON lines over HTTP, with a downloader whose replies a test determines."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.probe import ProbeClient
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.contracts.records import HostCircuit
from shared.contracts.times import rfc3339
from shared.messaging import Outgoing, Replies
from tests.fakes import MovableClock
from tests.support.running_gateway import CSV, Gateway, a_form, an_app, problem, send
from tests.support.waiting import until

CATALOGUE = (
    b"S. No.,Product Name,Input Image Urls\r\n"
    b'1,Lamp,"https://a.test/1.jpg,https://a.test/2.jpg,https://a.test/3.jpg"\r\n'
    b"2,Oak,https://b.test/gone.jpg\r\n"
)
BOUNDS = FetchBounds(at_once=10, per_host=1)
Lines = list[dict[str, Any]]


def probed(url: str) -> ProbedImage:
    if "gone" in url:
        return ProbedImage(url=url, error_code=ErrorCode.HTTP_404, error_detail="HTTP 404 Not Found", ms=40)
    return ProbedImage(url=url, content_type="image/jpeg", size=1000, ms=500)


class Downloader:
    """Replies to each command at once if `replies_to` accepts it."""

    def __init__(self, replies_to: Callable[[ProbeImages], bool] = lambda _: True) -> None:
        self.replies = Replies(ImagesProbed, lambda reply: reply.probe_id, "mine")
        self.probed_urls: list[str] = []
        self._replies_to = replies_to

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        for command in outgoing:
            assert isinstance(command, ProbeImages)
            self.probed_urls += command.urls
            if self._replies_to(command):
                images = tuple(map(probed, command.urls))
                self.replies.deliver(ImagesProbed(probe_id=command.probe_id, images=images, bounds=BOUNDS))


@contextmanager
def connected(gateway: Gateway, downloader: Downloader) -> Any:
    with gateway.probe_client.connected(downloader.publish, downloader.replies):
        yield downloader


@asynccontextmanager
async def lines_of(gateway: Gateway, catalogue: bytes = CATALOGUE) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    headers = {"Content-Type": "text/csv"}
    url = "/validate?probe=2&percent=25"
    async with gateway.http.stream("POST", url, content=catalogue, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        yield (json.loads(line) async for line in answer.aiter_lines())


async def all_lines(gateway: Gateway, catalogue: bytes = CATALOGUE) -> Lines:
    async with lines_of(gateway, catalogue) as lines:
        return [line async for line in lines]


async def test_the_lines_are_the_validation_the_probes_and_the_estimate(gateway: Gateway) -> None:
    plain = await gateway.http.post("/validate", content=CATALOGUE, headers={"Content-Type": "text/csv"})
    with connected(gateway, Downloader()) as downloader:
        validation, *probes, estimate = await all_lines(gateway)

    assert validation == {"type": "validation", **plain.json()}
    assert downloader.probed_urls == ["https://a.test/1.jpg", "https://a.test/2.jpg", "https://b.test/gone.jpg"]
    an_image = {"type": "probe", "host": "a.test", "content_type": "image/jpeg", "bytes": 1000, "ms": 500}
    a_fault = {"type": "probe", "host": "b.test", "content_type": None, "bytes": None, "ms": 40}
    fine = {"error_code": None, "error_detail": None}
    assert probes == [
        {**an_image, "url": "https://a.test/1.jpg", **fine},
        {**an_image, "url": "https://a.test/2.jpg", **fine},
        {**a_fault, "url": "https://b.test/gone.jpg", "error_code": "http_404", "error_detail": "HTTP 404 Not Found"},
    ]
    images = plain.json()["images"]
    assert estimate == {
        "type": "estimate",
        "images": images,
        "dead_share": 0.25,
        "bytes_in": {"low": None, "mean": images * 750, "high": None},
        "bytes_out": {"low": None, "mean": round(images * 187.5), "high": None},
        "seconds": round(images * 3 / 4 * 0.5, 1),
        "slowest_host": "a.test",
        "basis": {"hosts": 2, "hosts_probed": 2, "images_share": 1.0, "probed": 3, "known": 3, "sized": 2},
    }
    assert gateway.holds_nothing()
    metric = "imagemill_probed_images_total"
    assert gateway.registry.get_sample_value(metric, {"outcome": "image"}) == 2
    assert gateway.registry.get_sample_value(metric, {"outcome": "http_404"}) == 1


async def test_the_estimate_counts_only_images_that_would_be_fetched(gateway: Gateway) -> None:
    """A refused URL is never fetched, and one in several slots is fetched once."""
    placeholder = b"".join(b"%d,Row,https://b.test/none.png\r\n" % number for number in range(3, 40))
    refused = b"40,Pine,ftp://a.test/1.jpg\r\n41,Fir,http://127.0.0.1/1.jpg\r\n42,Ash,lamp.png\r\n"
    with connected(gateway, Downloader()):
        validation, *_, estimate = await all_lines(gateway, CATALOGUE + placeholder + refused)

    assert (validation["slots"], validation["images"], validation["refused_slots"]) == (44, 8, 3)
    assert estimate["images"] == 5
    assert estimate["dead_share"] == round(2 / 5 / 2, 4)
    assert estimate["bytes_in"]["mean"] == 4 * 1000
    assert (estimate["seconds"], estimate["slowest_host"]) == (3 * 0.5, "a.test")
    assert estimate["basis"]["images_share"] == 1.0


async def test_each_line_is_sent_as_soon_as_its_content_is_known(gateway: Gateway) -> None:
    held: list[ProbeImages] = []

    def only_a(command: ProbeImages) -> bool:
        if "b.test" in command.urls[0]:
            held.append(command)
        return not held

    with connected(gateway, Downloader(only_a)) as downloader:
        async with lines_of(gateway) as lines:
            assert [(await anext(lines))["type"] for _ in range(3)] == ["validation", "probe", "probe"]
            images = tuple(map(probed, held[0].urls))
            downloader.replies.deliver(ImagesProbed(probe_id=held[0].probe_id, images=images, bounds=BOUNDS))
            assert [line["type"] async for line in lines] == ["probe", "estimate"]


async def test_urls_without_a_reply_are_reported_after_the_timeout(gateway: Gateway) -> None:
    gateway.probe_client = ProbeClient(0.2, MovableClock())
    gateway.registry = CollectorRegistry()
    gateway.server.app = an_app(gateway, MovableClock())
    with connected(gateway, Downloader(lambda _: False)):
        _, *probes, estimate = await all_lines(gateway)
    assert [line["error_detail"] for line in probes] == ["no downloader answered within 0.2 seconds"] * 3
    assert {(line["content_type"], line["error_code"], line["ms"]) for line in probes} == {(None, None, None)}
    assert (estimate["bytes_in"], estimate["seconds"], estimate["basis"]["known"]) == (None, None, 0)


@pytest.mark.parametrize(("seconds", "probes_it"), [(60, False), (-1, True)], ids=["open", "half-open"])
async def test_a_host_whose_circuit_is_open_is_not_probed(gateway: Gateway, seconds: float, probes_it: bool) -> None:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    circuit = HostCircuit("a.test", 10, 1, until, ErrorCode.CONNECT)
    await gateway.database.hosts.save(circuit, instead_of=None)
    gateway.registry = CollectorRegistry()
    gateway.server.app = an_app(gateway, MovableClock(datetime.now(UTC)))
    with connected(gateway, Downloader()) as downloader:
        _, *probes, _ = await all_lines(gateway)
    assert ("https://b.test/gone.jpg" in downloader.probed_urls, len(downloader.probed_urls) > 1) == (True, probes_it)
    unknown = [line["error_detail"] for line in probes if line["host"] == "a.test" and line["error_detail"]]
    assert unknown == ([] if probes_it else [f"the host is paused until {rfc3339(until)}"] * 2)


async def test_without_the_broker_each_probe_reports_it_and_the_gateway_stays_ready(gateway: Gateway) -> None:
    _, *probes, _ = await all_lines(gateway)
    assert [line["error_detail"] for line in probes] == ["the gateway is not connected to RabbitMQ"] * 3
    assert (await gateway.http.get("/readyz")).status_code == 200
    outcome = {"outcome": "unknown"}
    assert gateway.registry.get_sample_value("imagemill_probed_images_total", outcome) == 3


async def test_a_catalogue_is_refused_before_any_image_is_probed(gateway: Gateway) -> None:
    with connected(gateway, Downloader()) as downloader:
        form = a_form(("probe", None, b"3"), ("file", "p.csv", CSV + b'2,"Elm" table,https://images.test/3.jpg\r\n'))
        problem(await gateway.http.post("/validate", **form), 400)
        assert not downloader.probed_urls


@pytest.mark.parametrize("number", ["0", "21", "-1", "many", "1.5"])
async def test_the_number_of_probes_is_checked_with_the_other_options(gateway: Gateway, number: str) -> None:
    form = a_form(("percent", None, b"0"), ("probe", None, number.encode()), ("file", "p.csv", CSV))
    answer = problem(await gateway.http.post("/validate", **form), 422)
    assert {fault["option"] for fault in answer["errors"]} == {"percent", "probe"}


async def test_an_upload_does_not_accept_probe(gateway: Gateway) -> None:
    form = a_form(("probe", None, b"3"), ("file", "p.csv", CSV))
    answer = problem(await gateway.http.post("/upload", **form), 422)
    assert [fault["option"] for fault in answer["errors"]] == ["probe"]


async def test_a_client_that_disconnects_ends_the_probe(gateway: Gateway) -> None:
    with connected(gateway, Downloader(lambda _: False)) as downloader:
        head = (
            f"POST /validate?probe=2 HTTP/1.1\nHost: gateway.test\nContent-Type: text/csv\n"
            f"Content-Length: {len(CATALOGUE)}\n\n"
        )
        reader, writer = await send(gateway.port, head, CATALOGUE)
        await reader.readuntil(b"\n")
        await until(lambda: bool(downloader.replies.waiting))
        writer.close()
        await until(lambda: not downloader.replies.waiting, within=2)  # long before the timeout


async def test_the_lines_are_in_the_openapi_document(gateway: Gateway) -> None:
    document = (await gateway.http.get("/openapi.json")).json()
    operation = document["paths"]["/validate"]["post"]
    options = operation["responses"]["200"]["content"]["application/x-ndjson"]["schema"]["oneOf"]
    names = [option["$ref"].rsplit("/")[-1] for option in options]
    assert names == ["ValidationLine", "ProbeLine", "EstimateLine"]
    schemas = document["components"]["schemas"]
    assert {reference.removeprefix("#/components/schemas/") for reference in references(document)} <= schemas.keys()
    assert "CatalogueValidation" in str(operation["responses"]["200"]["content"]["application/json"])
    assert "probe" in operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(references, part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()
