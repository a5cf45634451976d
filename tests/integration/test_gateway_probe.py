"""A validation that looks at images: lines of JSON over HTTP, with downloaders that say what a test has them say."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.probe.client import Prober
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.messaging import Outgoing, Replies
from tests.fakes.clock import MovableClock
from tests.support.running_gateway import CSV, Gateway, a_form, an_app, problem, send
from tests.support.waiting import until

CATALOGUE = (
    b"S. No.,Product Name,Input Image Urls\r\n"
    b'1,Lamp,"https://a.test/1.jpg,https://a.test/2.jpg,https://a.test/3.jpg"\r\n'
    b"2,Oak,https://b.test/gone.jpg\r\n"
)
BOUNDS = FetchBounds(at_once=10, per_host=1)
Lines = list[dict[str, Any]]


def seen(url: str) -> ProbedImage:
    if "gone" in url:
        return ProbedImage(url=url, error_code=ErrorCode.HTTP_404, error_detail="HTTP 404 Not Found", ms=40)
    return ProbedImage(url=url, content_type="image/jpeg", size=1000, ms=500)


class Downloader:
    """Answers each command at once, if it `may_answer` it."""

    def __init__(self, may_answer: Callable[[ProbeImages], bool] = lambda _: True) -> None:
        self.replies = Replies(ImagesProbed, lambda reply: reply.probe_id, "mine")
        self.asked: list[str] = []
        self._may_answer = may_answer

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        for command in outgoing:
            assert isinstance(command, ProbeImages)
            self.asked += command.urls
            if self._may_answer(command):
                images = tuple(map(seen, command.urls))
                self.replies.deliver(ImagesProbed(probe_id=command.probe_id, images=images, bounds=BOUNDS))


@contextmanager
def working(gateway: Gateway, downloader: Downloader) -> Any:
    with gateway.prober.connected(downloader.publish, downloader.replies):
        yield downloader


@asynccontextmanager
async def lines_of(gateway: Gateway, probe: str = "2") -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    headers = {"Content-Type": "text/csv"}
    url = f"/validate?probe={probe}&percent=25"
    async with gateway.http.stream("POST", url, content=CATALOGUE, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        yield (json.loads(line) async for line in answer.aiter_lines())


async def all_lines(gateway: Gateway, probe: str = "2") -> Lines:
    async with lines_of(gateway, probe) as lines:
        return [line async for line in lines]


async def test_the_validation_comes_first_then_what_was_seen_then_what_to_expect(gateway: Gateway) -> None:
    plain = await gateway.http.post("/validate", content=CATALOGUE, headers={"Content-Type": "text/csv"})
    with working(gateway, Downloader()) as downloader:
        validation, *probes, estimate = await all_lines(gateway)

    assert validation == {"type": "validation", **plain.json()}
    assert downloader.asked == ["https://a.test/1.jpg", "https://a.test/2.jpg", "https://b.test/gone.jpg"]
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
        "basis": {"hosts": 2, "hosts_in_all": 2, "slots_share": 1.0, "probed": 3, "known": 3, "sized": 2},
    }
    assert gateway.holds_nothing()
    probed = "imagemill_probed_urls_total"
    assert gateway.registry.get_sample_value(probed, {"outcome": "image"}) == 2
    assert gateway.registry.get_sample_value(probed, {"outcome": "http_404"}) == 1


async def test_each_line_is_sent_as_soon_as_it_is_known(gateway: Gateway) -> None:
    held: list[ProbeImages] = []

    def only_a(command: ProbeImages) -> bool:
        if "b.test" in command.urls[0]:
            held.append(command)
        return not held

    with working(gateway, Downloader(only_a)) as downloader:
        async with lines_of(gateway) as lines:
            assert [(await anext(lines))["type"] for _ in range(3)] == ["validation", "probe", "probe"]
            images = tuple(map(seen, held[0].urls))
            downloader.replies.deliver(ImagesProbed(probe_id=held[0].probe_id, images=images, bounds=BOUNDS))
            assert [line["type"] async for line in lines] == ["probe", "estimate"]


async def test_silent_downloaders_are_told_of_when_time_is_up(gateway: Gateway) -> None:
    gateway.prober = Prober(0.2, MovableClock())
    gateway.registry = CollectorRegistry()
    gateway.server.app = an_app(gateway, MovableClock())
    with working(gateway, Downloader(lambda _: False)):
        _, *probes, estimate = await all_lines(gateway)
    assert [line["error_detail"] for line in probes] == ["no downloader answered within 0.2 seconds"] * 3
    assert {(line["content_type"], line["error_code"], line["ms"]) for line in probes} == {(None, None, None)}
    assert (estimate["bytes_in"], estimate["seconds"], estimate["basis"]["known"]) == (None, None, 0)


async def test_without_the_broker_every_url_says_so_and_the_gateway_stays_ready(gateway: Gateway) -> None:
    _, *probes, _ = await all_lines(gateway)
    assert [line["error_detail"] for line in probes] == ["the gateway is not connected to RabbitMQ"] * 3
    assert (await gateway.http.get("/readyz")).status_code == 200
    outcome = {"outcome": "unknown"}
    assert gateway.registry.get_sample_value("imagemill_probed_urls_total", outcome) == 3


async def test_a_refused_catalogue_is_refused_before_anything_is_looked_at(gateway: Gateway) -> None:
    with working(gateway, Downloader()) as downloader:
        form = a_form(("probe", None, b"3"), ("file", "p.csv", CSV + b'2,"Elm" table,https://images.test/3.jpg\r\n'))
        problem(await gateway.http.post("/validate", **form), 400)
        assert not downloader.asked


@pytest.mark.parametrize("number", ["0", "21", "-1", "many", "1.5"])
async def test_how_many_is_checked_with_the_other_options(gateway: Gateway, number: str) -> None:
    form = a_form(("percent", None, b"0"), ("probe", None, number.encode()), ("file", "p.csv", CSV))
    answer = problem(await gateway.http.post("/validate", **form), 422)
    assert {fault["option"] for fault in answer["errors"]} == {"percent", "probe"}


async def test_an_upload_takes_no_probe(gateway: Gateway) -> None:
    form = a_form(("probe", None, b"3"), ("file", "p.csv", CSV))
    answer = problem(await gateway.http.post("/upload", **form), 422)
    assert [fault["option"] for fault in answer["errors"]] == ["probe"]


async def test_a_client_that_hangs_up_ends_the_work(gateway: Gateway) -> None:
    with working(gateway, Downloader(lambda _: False)) as downloader:
        head = (
            f"POST /validate?probe=2 HTTP/1.1\nHost: mill.test\nContent-Type: text/csv\n"
            f"Content-Length: {len(CATALOGUE)}\n\n"
        )
        reader, writer = await send(gateway.port, head, CATALOGUE)
        await reader.readuntil(b"\n")
        await until(lambda: bool(downloader.replies.waiting))
        writer.close()
        await until(lambda: not downloader.replies.waiting, within=2)  # long before its time is up


async def test_the_lines_are_described(gateway: Gateway) -> None:
    document = (await gateway.http.get("/openapi.json")).json()
    operation = document["paths"]["/validate"]["post"]
    options = operation["responses"]["200"]["content"]["application/x-ndjson"]["schema"]["oneOf"]
    names = [option["$ref"].rsplit("/")[-1] for option in options]
    assert names == ["ValidationLine", "ProbeLine", "EstimateLine"]
    schemas = document["components"]["schemas"]
    assert {reference.removeprefix("#/components/schemas/") for reference in references(document)} <= schemas.keys()
    assert "CatalogueValidation" in str(operation["responses"]["200"]["content"]["application/json"])
    assert "probe" in {parameter["name"] for parameter in operation["parameters"]}


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(references, part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()
