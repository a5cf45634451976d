"""The encoding of an upload over HTTP: declared, named by the option, detected; and the ways to send a file."""

import httpx
import pytest

from tests.catalogues.encodings import NAMES, catalogue
from tests.support.running_gateway import Gateway, problem

RUSSIAN = catalogue(NAMES["Russian"]).encode("koi8-r")
ONE_NAME = "No,Name,Image Url\n1,\u017b\u00f3\u0142w,https://images.test/1.jpg\n"


async def validated(gateway: Gateway, content: bytes, content_type: str, **options: str) -> httpx.Response:
    return await gateway.http.post("/validate", content=content, headers={"Content-Type": content_type}, params=options)


async def test_the_charset_of_a_csv_body_is_honoured(gateway: Gateway) -> None:
    found = (await validated(gateway, ONE_NAME.encode("cp852"), "text/csv; charset=cp852")).json()

    assert (found["encoding"], found["findings"]) == ("cp852", [])


async def test_the_charset_of_a_form_s_part_is_honoured(gateway: Gateway) -> None:
    files = {"catalogue": ("p.csv", ONE_NAME.encode("mac-latin2"), "text/csv; charset=x-mac-ce; header=present")}
    unknown = (await gateway.http.post("/validate", files=files)).json()
    files = {"catalogue": ("p.csv", ONE_NAME.encode("cp1250"), 'text/csv; header=present; charset="windows-1250"')}
    found = (await gateway.http.post("/validate", files=files)).json()

    assert "x-mac-ce" in unknown["findings"][0]["problem"]
    assert (found["encoding"], found["findings"]) == ("cp1250", [])


async def test_a_detected_encoding_is_reported(gateway: Gateway) -> None:
    found = (await validated(gateway, RUSSIAN, "text/csv")).json()

    assert found["encoding"] == "koi8-r"
    [finding] = found["findings"]
    assert "read as KOI8-R" in finding["problem"]


async def test_the_option_corrects_a_wrong_declaration(gateway: Gateway) -> None:
    found = (await validated(gateway, RUSSIAN, "text/csv; charset=windows-1251", encoding="KOI8-R")).json()

    assert (found["encoding"], found["findings"]) == ("koi8-r", [])


@pytest.mark.parametrize("path", ["/validate", "/upload"])
async def test_an_unknown_encoding_is_refused_with_the_list_of_accepted_ones(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.post(
        path, content=RUSSIAN, headers={"Content-Type": "text/csv"}, params={"encoding": "klingon"}
    )

    [error] = problem(answer, 422)["errors"]
    assert error["option"] == "encoding"
    assert "windows-1250 to windows-1258" in error["detail"]
    assert "'klingon'" in error["detail"]


async def test_a_body_separated_by_tabs_may_say_so(gateway: Gateway) -> None:
    table = b"No\tName\tImage Url\n1\tLamp\thttps://images.test/1.jpg\n"
    found = (await validated(gateway, table, "text/tab-separated-values; charset=utf-8")).json()

    assert (found["delimiter"], found["rows"]) == ("\t", 1)
