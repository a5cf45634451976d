"""The HTTP interface as a client sees it: plain uploads, status, results and downloads."""

import asyncio

import pytest

from tests.support.origin import Origin, Response, image
from tests.support.pictures import a_photo, size_of
from tests.support.stack import OUTPUT_COLUMN, StackClient, a_catalogue

REPORT_COLUMNS = [
    "Serial Number",
    "Product Name",
    "Position",
    "Input Image Url",
    "Output Image Url",
    "State",
    "Error Code",
    "Bytes In",
    "Bytes Out",
    "Saved %",
    "Attempts",
]


async def test_a_plain_body_with_its_options_in_the_query(client: StackClient, origin: Origin) -> None:
    """From the 202, through a Pending status, to the files."""
    photo, let_go = a_photo(1, 640, 480), asyncio.Event()
    url = origin.serve("/one.jpg", Response(body=photo, headers={"Content-Type": "image/jpeg"}, until=let_go))
    accepted = await client.http.post(
        "/upload", params={"percent": "20"}, content=a_catalogue([[url]]), headers={"content-type": "text/csv"}
    )
    assert accepted.status_code == 202
    request_id = accepted.json()["request_id"]
    assert accepted.json()["status"] == "Pending"
    assert int(accepted.headers["retry-after"]) > 0

    pending = await client.http.get(accepted.headers["location"])
    assert pending.json()["status"] == "Pending"
    assert (pending.json()["output_csv_url"], pending.json()["report_url"]) == (None, None)
    assert int(pending.headers["retry-after"]) > 0

    let_go.set()
    status = await client.finished(request_id)
    assert {"total", "compressed", "failed", "cancelled", "pending", "reused", "as_of"} == set(status["progress"])
    [line] = await client.table(status["report_url"])
    assert [column for column in line if column in REPORT_COLUMNS] == REPORT_COLUMNS
    assert (line["Position"], line["State"], line["Attempts"]) == ("1", "compressed", "1")
    assert int(line["Bytes In"]) == len(photo)
    assert 5 * int(line["Bytes Out"]) <= len(photo), "the option was applied"
    saved = 100 - 100 * int(line["Bytes Out"]) / len(photo)
    assert float(line["Saved %"]) == pytest.approx(saved, abs=0.1)


@pytest.mark.parametrize(("file_format", "content_type"), [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp")])
async def test_a_result_is_served_with_its_true_type(
    client: StackClient, origin: Origin, file_format: str, content_type: str
) -> None:
    """Also if the image's host declared a wrong type, and for HEAD."""
    photo = a_photo(2, 320, 240, file_format)
    url = origin.serve("/Blue%20Shirt.bin", image(photo, "application/octet-stream"))
    status = await client.finished(await client.upload(a_catalogue([[url]])))
    [row] = await client.table(status["output_csv_url"])

    got = await client.http.get(row[OUTPUT_COLUMN])
    assert got.status_code == 200
    assert got.headers["content-type"] == f"image/{content_type}"
    assert "immutable" in got.headers["cache-control"]
    assert int(got.headers["content-length"]) == len(got.content)
    assert size_of(got.content) == (320, 240)
    assert row[OUTPUT_COLUMN].rsplit("/")[-1].startswith("blue-shirt-")

    head = await client.http.head(row[OUTPUT_COLUMN])
    assert head.status_code == 200
    assert head.content == b""
    described = ("content-type", "content-length", "cache-control", "etag")
    assert [head.headers[name] for name in described] == [got.headers[name] for name in described]
    again = await client.http.get(row[OUTPUT_COLUMN], headers={"if-none-match": got.headers["etag"]})
    assert again.status_code == 304


async def test_output_and_report_are_attachments_named_after_the_upload(client: StackClient, origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(a_photo(3)))
    status = await client.finished(await client.upload(a_catalogue([[url]])))
    for name, kind in (("output_csv_url", "compressed"), ("report_url", "report")):
        file = await client.http.head(status[name])
        assert file.headers["content-disposition"] == f'attachment; filename="products-{kind}.csv"'


async def test_an_unknown_request_is_a_problem(client: StackClient) -> None:
    answer = await client.http.get("/status", params={"request_id": "01KDA7ZZ00000000000000NONE"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 404
    assert "01KDA7ZZ00000000000000NONE" in problem["detail"]
