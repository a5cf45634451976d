"""Work is not repeated: unchanged images of earlier requests, and equal bytes within a request."""

from typing import Any

from deploy.local.stack import LocalStack
from shared.contracts.object_keys import owned_prefixes
from shared.storage import open_object_store
from tests.support.origin import Origin, image
from tests.support.pictures import a_photo
from tests.support.request_invariants import check_slots
from tests.support.stack import StackClient, a_catalogue

PHOTOS = [a_photo(number, 96, 64) for number in range(5)]


async def _run(client: StackClient, urls: list[str], **options: str) -> tuple[str, dict[str, dict[str, str]]]:
    """The request's id, and the rows of its report by URL."""
    request_id = await client.upload(a_catalogue([[url] for url in urls]), **options)
    status = await client.finished(request_id)
    assert status["progress"]["compressed"] == len(urls), status
    await check_slots(client, request_id, [[url] for url in urls], set())
    return request_id, {line["Input Image Url"]: line for line in await client.table(status["report_url"])}


async def _bytes(client: StackClient, line: dict[str, str]) -> bytes:
    answer = await client.http.get(line["Output Image Url"])
    assert answer.status_code == 200
    return answer.content


async def _summary(client: StackClient, request_id: str) -> dict[str, Any]:
    status = await client.status(request_id)
    summary: dict[str, Any] = (await client.http.get(status["report_json_url"])).json()
    return summary


async def test_an_unchanged_image_is_neither_downloaded_nor_compressed_again(
    client: StackClient, origin: Origin
) -> None:
    urls = [
        origin.serve("/etag.jpg", image(PHOTOS[0], etag='"1"')),
        origin.serve("/date.jpg", image(PHOTOS[1], last_modified="Mon, 05 Jan 2026 12:00:00 GMT")),
        origin.serve("/new.jpg", image(PHOTOS[2], etag='"1"'), image(PHOTOS[3], etag='"2"')),
        origin.serve("/none.jpg", image(PHOTOS[4])),
    ]
    _, first = await _run(client, urls)
    assert {line["Reused"] for line in first.values()} == {""}

    second_id, second = await _run(client, urls)

    assert [second[url]["Reused"] for url in urls] == ["unchanged", "unchanged", "", ""]
    for url in urls[:2]:
        assert second[url]["Output Image Url"] != first[url]["Output Image Url"]
        assert await _bytes(client, second[url]) == await _bytes(client, first[url])
        assert second[url]["Encodes"] == "0"
        assert second[url]["Bytes Out"] == first[url]["Bytes Out"]
    assert await _bytes(client, second[urls[2]]) != await _bytes(client, first[urls[2]])
    conditional = [request.path for request in origin.requests if "if-none-match" in request.headers]
    assert sorted(conditional) == ["/etag.jpg", "/new.jpg"]
    assert (await _summary(client, second_id))["images"]["reused"] == {"unchanged": 2, "same_bytes": 0}

    _, third = await _run(client, urls[:1])  # of a copy a copy
    assert third[urls[0]]["Reused"] == "unchanged"


async def test_a_result_is_not_reused_for_other_options(client: StackClient, origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(PHOTOS[0], etag='"1"'))
    await _run(client, [url])
    _, other = await _run(client, [url], percent="40")
    assert other[url]["Reused"] == ""
    assert all("if-none-match" not in request.headers for request in origin.requests)


async def test_a_removed_result_is_compressed_again(stack: LocalStack, client: StackClient, origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(PHOTOS[0], etag='"1"'))
    request_id, _ = await _run(client, [url])
    store = open_object_store(stack.joint()["OBJECT_STORE_URL"])
    for prefix in owned_prefixes(request_id):
        await store.delete([key async for key in store.list_keys(prefix)])
    await store.close()

    _, again = await _run(client, [url])
    assert (again[url]["Reused"], again[url]["Attempts"]) == ("", "1")


async def test_equal_bytes_under_several_urls_are_compressed_once(client: StackClient, origin: Origin) -> None:
    urls = [origin.serve(f"/same-{number}.jpg", image(PHOTOS[0])) for number in range(3)]
    other = origin.serve("/other.jpg", image(PHOTOS[1]))
    request_id, report = await _run(client, [*urls, other])

    # Compressors that process equal bytes at the same moment may compress some of them twice.
    reused = [report[url]["Reused"] for url in urls]
    assert set(reused) == {"", "same_bytes"}
    assert report[other]["Reused"] == ""
    assert len({report[url]["Output Image Url"] for url in urls}) == 3
    assert len({await _bytes(client, report[url]) for url in urls}) == 1
    assert (await _summary(client, request_id))["images"]["reused"]["same_bytes"] == reused.count("same_bytes")
