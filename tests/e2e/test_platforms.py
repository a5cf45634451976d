"""Each kind of catalogue through the whole stack: only the image cells of the output differ from the input."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.origin import Origin, image
from tests.support.pictures import a_photo
from tests.support.stack import StackClient

PHOTOS = {name: a_photo(number, 120, 90) for number, name in enumerate("abc")}
MISSING = "x"
ADDED = ("Failed Image Urls", "Error Codes", "Error Details")


@dataclass(frozen=True)
class Catalogue:
    """A file with {a}, {b} and {c} in place of the URLs of images, and {x} in place of a URL that answers 404.

    before: text before the header. output: header and cells of the output URL column, if the profile has one.
    """

    profile: str
    header: str
    rows: tuple[str, ...]
    line_end: str = "\n"
    delimiter: str = ","
    encoding: str = "utf-8"
    mark: bytes = b""
    before: str = ""
    output: tuple[str, ...] | None = None

    def given(self, urls: dict[str, str]) -> bytes:
        return self._file([filled(line, urls) for line in (self.header, *self.rows)])

    def wanted(self, urls: dict[str, str], outputs: dict[str, str]) -> bytes:
        outputs = {**outputs, MISSING: ""}
        lines = (self.header, *self.rows)
        if self.output is None:
            return self._file([filled(line, outputs) for line in lines])
        pairs = zip(lines, self.output, strict=True)
        return self._file([filled(line, urls) + self.delimiter + filled(cell, outputs) for line, cell in pairs])

    def failed(self, urls: dict[str, str]) -> bytes:
        [row] = [row for row in self.rows if "{x}" in row]
        reasons = ("{x}", "http_404", "HTTP 404 Not Found")
        lines = (self.delimiter.join((self.header, *ADDED)), self.delimiter.join((row, *reasons)))
        return self._file([filled(line, urls) for line in lines])

    def _file(self, lines: Sequence[str]) -> bytes:
        return self.mark + (self.before + "".join(line + self.line_end for line in lines)).encode(self.encoding)


def filled(text: str, urls: dict[str, str]) -> str:
    for name, url in urls.items():
        text = text.replace(f"{{{name}}}", url)
    return text


SHOPIFY = Catalogue(
    "shopify",
    "Handle,Title,Body (HTML),Image Src,Image Position,Image Alt Text,Variant Image",
    (
        'shoe,"Shoe, red","<p class=""big"">Red,\nand light</p>",{a},1,"front, left",{c}',
        "shoe,,,{x},2, back,",
        'shoe,,,"{b}",3,,{a}',
        "sock,Sock,,,,,",
    ),
    line_end="\r\n",
)
WOOCOMMERCE = Catalogue(
    "woocommerce",
    "ID,Type,SKU,Name,Regular price,Categories,Images",
    (
        '7,simple,SH-1,"Shoe ""Zoë""",19.90,"Shoes > Red, Sale","{a}, {x}, {b}"',
        '8,simple,SH-2,Sock,-5,,"{b},{c}"',
        "9,simple,SH-3,Hat,,Hats,",
    ),
    mark=codecs.BOM_UTF8,
)
MAGENTO = Catalogue(
    "magento",
    "sku,product_type,name,base_image,small_image,thumbnail_image,additional_images",
    ("S1,simple,Shoe,{a},{a},{c},{b}|{x}|{c}", 'S2,simple," Sock",{b},,,', 'S3,simple,"Hat",{c},{c},{c},"{a},{b}"'),
)
GOOGLE = Catalogue(
    "google",
    "id\ttitle\tdescription\tlink\timage_link\tadditional_image_link\tprice",
    (
        "1\tShoe\tRed, light\thttps://shop.test/1\t{a}\t{b},{x},{c}\t19.90 EUR",
        "2\tSock\t5 < 6\thttps://shop.test/2\t{b}\t\t5 EUR",
    ),
    delimiter="\t",
)
NUMBERED = Catalogue(
    "numbered",
    "SKU,Product Name,image_1,image_2,image_3,Note",
    ("S1,Shoe,{a},{x},{c},n", 'S2,"Sock",{b},,{a}, n', "S3,Hat,,,,"),
)
EUROPEAN = Catalogue(
    "generic",
    "S. No.;Product Name;Größe;Image Urls",
    ('1.;"Schuh; rot";"36,5";{a},{x},{b}', "2.;Müsli „neu“ 5 €;½;{c}"),
    line_end="\r\n",
    delimiter=";",
    encoding="cp1252",
    before="sep=;\r\n",
    output=("Output Image Urls", "{a},{x},{b}", "{c}"),
)
UNICODE_TEXT = Catalogue(
    "generic",
    "Note\tProduct Name\tInput Image Urls\tSerial Number",
    ('"5"" 写真"\tShoe\t"{a}, {c}"\t001', "\tSock\t{x}\t002"),
    line_end="\r\n",
    delimiter="\t",
    encoding="utf-16-le",
    mark=codecs.BOM_UTF16_LE,
    output=("Output Image Urls", "{a},{c}", "{x}"),
)
CATALOGUES = {
    "Shopify": SHOPIFY,
    "WooCommerce": WOOCOMMERCE,
    "Magento": MAGENTO,
    "Google": GOOGLE,
    "numbered": NUMBERED,
    "semicolons, cp1252": EUROPEAN,
    "tabs, UTF-16": UNICODE_TEXT,
}


@pytest.mark.parametrize("catalogue", CATALOGUES.values(), ids=CATALOGUES.keys())
async def test_the_output_is_the_input_with_other_image_cells(
    client: StackClient, origin: Origin, catalogue: Catalogue
) -> None:
    urls = {name: origin.serve(f"/{name}.jpg", image(photo)) for name, photo in PHOTOS.items()}
    urls[MISSING] = origin.url("/missing.jpg")

    request_id = await client.upload(catalogue.given(urls))
    status = await client.finished(request_id)

    assert status["status"] == "Completed"
    assert status["profile"] == catalogue.profile
    outputs = await output_urls(client, status, urls)
    assert await content(client, status["output_csv_url"]) == catalogue.wanted(urls, outputs)
    assert await content(client, status["failed_csv_url"]) == catalogue.failed(urls)
    await check_report(client, status, catalogue)


async def test_failed_csv_can_be_uploaded_again_once_the_host_serves_the_image(
    client: StackClient, origin: Origin
) -> None:
    urls = {name: origin.serve(f"/{name}.jpg", image(photo)) for name, photo in PHOTOS.items()}
    urls[MISSING] = origin.url("/missing.jpg")
    first = await client.finished(await client.upload(WOOCOMMERCE.given(urls)))
    failed = await content(client, first["failed_csv_url"])
    origin.serve("/missing.jpg", image(a_photo(9, 120, 90)))

    second = await client.finished(await client.upload(failed))

    assert (second["profile"], second["failed_csv_url"]) == ("woocommerce", None)
    outputs = await output_urls(client, second, urls)
    for name in ("a", MISSING, "b"):
        [head, *tail] = failed.rsplit(b",", 3)  # the three cells of reasons repeat the URL
        failed = head.replace(urls[name].encode(), outputs[name].encode()) + b"," + b",".join(tail)
    assert await content(client, second["output_csv_url"]) == failed


async def output_urls(client: StackClient, status: dict[str, Any], urls: dict[str, str]) -> dict[str, str]:
    """The output URL of each image according to the report; each of them can be fetched."""
    reported = {line["Input Image Url"]: line["Output Image Url"] for line in await client.table(status["report_url"])}
    outputs = {name: reported[url] for name, url in urls.items() if url in reported}
    for url in filter(None, outputs.values()):
        assert len(await content(client, url)) < max(map(len, PHOTOS.values()))
    return outputs


async def check_report(client: StackClient, status: dict[str, Any], catalogue: Catalogue) -> None:
    report = (await client.http.get(status["report_json_url"])).json()
    text = "".join(catalogue.rows)
    images = [name for name in (*PHOTOS, MISSING) if f"{{{name}}}" in text]
    assert (report["profile"], report["status"]) == (catalogue.profile, "Completed")
    assert (report["rows"], report["slots"]) == (len(catalogue.rows), text.count("{"))
    assert report["images"]["total"] == len(images)
    assert report["images"]["failed"] == 1
    assert [(error["code"], error["images"], error["owner"]) for error in report["errors"]] == [("http_404", 1, "csv")]
    assert [host["images"] for host in report["hosts"]] == [len(images)]
    assert report["bytes"]["saved"] == report["bytes"]["in"] - report["bytes"]["out"] > 0


async def content(client: StackClient, url: str) -> bytes:
    answer = await client.http.get(url)
    assert answer.status_code == 200, answer.text
    return answer.content
