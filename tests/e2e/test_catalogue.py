"""The main job: a catalogue in, the same catalogue out, with events and webhook."""

import aio_pika
import pytest
from pamqp.common import FieldValue

from deploy.local.stack import LocalStack
from tests.support.collecting_receiver import CollectingReceiver
from tests.support.origin import Origin, Response, image
from tests.support.pictures import a_photo, size_of
from tests.support.request_invariants import check_events, check_images, check_queues_empty, check_slots
from tests.support.stack import OUTPUT_COLUMN, StackClient, a_catalogue
from tests.support.subscriber import EVENTS, Subscriber
from tests.support.waiting import until

GONE, NO_IMAGE, NOT_A_URL = "/gone.jpg", "/readme.jpg", "not-a-url"


def serve_photos(origin: Origin, count: int, prefix: str = "photo") -> dict[str, bytes]:
    """Photographs in three formats and various sizes, by URL."""
    photos = {}
    for number in range(count):
        file_format = ("JPEG", "JPEG", "JPEG", "PNG", "WEBP")[number % 5]
        data = a_photo(number, 320 + 8 * (number % 7), 240, file_format)
        kind = file_format.lower()
        photos[origin.serve(f"/{prefix}/{number}.{kind}", image(data, f"image/{kind}"))] = data
    return photos


async def test_thirty_products_with_ninety_urls(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver, subscriber: Subscriber
) -> None:
    photos = serve_photos(origin, 60)
    flaky_photo = a_photo(1000)
    flaky = origin.serve("/flaky.jpg", Response(status=503), Response(status=503), image(flaky_photo))
    text = origin.serve("/readme.jpg", image(b"This is the readme of our image server.\n"))
    gone = origin.url(GONE)
    good = [*photos, flaky]
    urls = [*good, text, gone, NOT_A_URL, *good[:26]]
    products = [urls[start : start + 3] for start in range(0, 90, 3)]
    assert (len(products), sum(map(len, products))) == (30, 90)

    receiver.statuses = [500, 503]
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url, percent="50")
    status = await client.finished(request_id)

    assert status["status"] == "Completed"
    progress = status["progress"]
    assert (progress["total"], progress["compressed"], progress["failed"], progress["pending"]) == (64, 61, 3, 0)
    await check_slots(client, request_id, products, {text, gone, NOT_A_URL})
    await check_images(stack.servers.mongodb_url, request_id, compressed=61, failed=3)
    await check_report(client, status["report_url"], {**photos, flaky: flaky_photo}, products)
    assert origin.request_count("/flaky.jpg") == 3
    assert all(origin.request_count(url.removeprefix(origin.base_url)) == 1 for url in photos), (
        "each URL is fetched once"
    )
    await check_events(subscriber, request_id, compressed=61, failed=3)
    await check_webhook(stack, receiver, request_id, status)
    await check_queues_empty(stack)


async def check_report(
    client: StackClient, report_url: str, photos: dict[str, bytes], products: list[list[str]]
) -> None:
    lines = await client.table(report_url)
    assert [line["Input Image Url"] for line in lines] == [url for urls in products for url in urls]
    for line in lines:
        url = line["Input Image Url"]
        if url in photos:
            result = (await client.http.get(line["Output Image Url"])).content
            assert size_of(result) == size_of(photos[url])
            assert len(result) == int(line["Bytes Out"])
            assert len(photos[url]) == int(line["Bytes In"])
            assert 2 * len(result) <= len(photos[url]), line
            assert line["State"] == "compressed"
    codes = {line["Input Image Url"].rsplit("/")[-1]: line["Error Code"] for line in lines if line["State"] == "failed"}
    assert codes == {"gone.jpg": "http_404", "readme.jpg": "not_an_image", NOT_A_URL: "invalid_url"}


async def check_webhook(
    stack: LocalStack, receiver: CollectingReceiver, request_id: str, status: dict[str, object]
) -> None:
    async def delivered() -> bool:
        return len(receiver.calls) == 3

    await until(delivered, 20, lambda: f"{len(receiver.calls)} calls")
    [(webhook_id, payload)] = receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id).items()
    assert payload["type"] == "request.completed"
    assert payload["data"]["output_csv_url"] == status["output_csv_url"]
    assert payload["data"]["report_url"] == status["report_url"]
    assert payload["data"]["images"] == {"total": 64, "compressed": 61, "failed": 3, "cancelled": 0, "reused": 0}
    assert {headers["webhook-id"] for headers, _ in receiver.calls} == {webhook_id}, "one logical webhook"
    assert len({body for _, body in receiver.calls}) == 1


async def test_urls_in_odd_spellings_are_fetched_as_by_a_browser_and_the_output_keeps_their_text(
    client: StackClient, origin: Origin
) -> None:
    port = origin.port
    written = {
        f"http:\\\\127.0.0.1:{port}\\odd\\1.jpg?x=\\": "/odd/1.jpg?x=\\",
        f"http://0x7f.1:{port}/odd/./a/../2.jpg#part": "/odd/2.jpg",
        f"http:/127.0.0.1:{port}/odd/3.jpg": "/odd/3.jpg",
        f"http://127.0.0.1.:{port}/odd/4 \u00fc'(100%)^.jpg": "/odd/4%20%C3%BC'(100%)%5E.jpg",
        f"http://\uff11\uff12\uff17\u30020\u30020\u30021:{port}/odd/5.jpg'": "/odd/5.jpg",
        f"\u202ahttp://127.0.0.1:{port}/odd/\t6.jpg\u202c": "/odd/6.jpg",
    }
    for number, path in enumerate(written.values()):
        origin.serve(path, image(a_photo(number, 64, 64)))

    request_id = await client.upload(a_catalogue([[url] for url in written]))
    status = await client.finished(request_id)

    report = await client.table(status["report_url"])
    assert [line["State"] for line in report] == ["compressed"] * len(written), report
    assert [origin.request_count(path) for path in written.values()] == [1] * len(written)
    rows = await client.table(status["output_csv_url"])
    assert [row["Input Image Urls"] for row in rows] == list(written)


async def test_all_images_failing(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver
) -> None:
    products = [[origin.url(f"/nothing/{number}.jpg")] for number in range(5)] + [["ftp://old.test/1.jpg"]]
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url)
    status = await client.finished(request_id)
    assert status["status"] == "Failed"
    rows = await client.table(status["output_csv_url"])
    assert [row[OUTPUT_COLUMN] for row in rows] == [""] * 6
    report = await client.table(status["report_url"])
    assert [line["Error Code"] for line in report] == ["http_404"] * 5 + ["invalid_url"]

    async def delivered() -> bool:
        return bool(receiver.calls)

    await until(delivered, 20)
    [payload] = receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id).values()
    assert payload["type"] == "request.failed"


async def test_images_of_a_host_that_stays_down_fail(client: StackClient, origin: Origin) -> None:
    """Every attempt fails; the report contains the number of attempts and the reason."""
    url = origin.serve("/down.jpg", Response(status=503))
    request_id = await client.upload(a_catalogue([[url]]))
    status = await client.finished(request_id)
    [line] = await client.table(status["report_url"])
    assert (line["Error Code"], line["Attempts"]) == ("http_5xx", "4")
    assert origin.request_count("/down.jpg") == 4


@pytest.mark.parametrize("percent", ["10", "75"])
async def test_the_client_chooses_the_percentage(client: StackClient, origin: Origin, percent: str) -> None:
    photo = a_photo(7, 640, 480)
    request_id = await client.upload(a_catalogue([[origin.serve("/one.jpg", image(photo))]]), percent=percent)
    [line] = await client.table((await client.finished(request_id))["report_url"])
    assert int(line["Bytes Out"]) * 100 <= len(photo) * int(percent)


async def test_the_output_csv_can_be_uploaded_again(client: StackClient, origin: Origin) -> None:
    """Its own output fed back, Imagemill replaces the output column in place."""
    request_id = await client.upload(a_catalogue([[origin.serve("/a.jpg", image(a_photo(1)))]]))
    first = await client.finished(request_id)
    output = (await client.http.get(first["output_csv_url"])).content
    second = await client.finished(await client.upload(output))
    [row] = await client.table(second["output_csv_url"])
    assert list(row) == ["S. No.", "Product Name", "Input Image Urls", OUTPUT_COLUMN]
    assert row[OUTPUT_COLUMN] != (await client.table(first["output_csv_url"]))[0][OUTPUT_COLUMN]


async def test_unread_and_full_queues_of_subscribers_do_no_harm(
    stack: LocalStack, client: StackClient, origin: Origin
) -> None:
    """One queue grows unread; another is full after one message and rejects the rest."""
    async with await aio_pika.connect(stack.servers.rabbitmq_url) as connection:
        channel = await connection.channel()
        full: dict[str, FieldValue] = {"x-max-length": 1, "x-overflow": "reject-publish"}
        for name, arguments in (("unread", None), ("full", full)):
            queue = await channel.declare_queue(name, exclusive=True, arguments=arguments)
            await queue.bind(EVENTS, "#")
        products = [[url] for url in serve_photos(origin, 10, "unread")]
        status = await client.finished(await client.upload(a_catalogue(products)))
    assert status["progress"]["compressed"] == 10
    await check_queues_empty(stack)
