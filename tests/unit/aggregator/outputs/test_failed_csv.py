"""failed.csv has the user's own rows with their errors, and can be uploaded again."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.aggregator.outputs.failed_csv import FailedCsv
from services.gateway.catalogue import Catalogue, CatalogueLimits, open_catalogue
from shared.catalogue import CatalogueFormat, Dialect, ImageColumn, Profile
from shared.contracts.error_codes import ErrorCode
from shared.contracts.object_keys import image_id
from shared.contracts.records import Image, Product
from tests.support.aggregating import a_compressed_image, a_failed_image, a_product
from tests.support.builders import a_catalogue_format

A, B, C = "http://i/a.jpg", "http://i/b.jpg", "http://i/c.jpg"
GOOD = a_compressed_image(A)
BAD = a_failed_image(B)
WORSE = a_failed_image(C, error_code=ErrorCode.NOT_AN_IMAGE, error_detail="the host sent HTML, no image")
PLATFORMS = {
    "shopify": "Handle,Title,Image Src,Image Position\nx,X,http://i/a.jpg,1\nx,,http://i/b.jpg,2\ny,Y,,\n",
    "woocommerce": 'ID,SKU,Name,Images\n1,s,X,"http://i/a.jpg, http://i/c.jpg"\n2,t,Y,http://i/a.jpg\n',
    "magento": 'sku,name,base_image,additional_images\n1,X,http://i/a.jpg,"http://i/b.jpg,http://i/a.jpg"\n',
    "google": "id,title,image_link,additional_image_link\n1,X,http://i/b.jpg,http://i/c.jpg\n",
    "numbered": "SKU,Product Name,image_1,image_2\n1,X,http://i/b.jpg,\n2,Y,http://i/a.jpg,http://i/c.jpg\n",
}
ADDED = "Failed Image Urls,Error Codes,Error Details"


def written(catalogue_format: CatalogueFormat, *rows: tuple[Product, Sequence[Image]], guard: bool = True) -> str:
    sink = io.StringIO(newline="")
    failed = FailedCsv(sink, catalogue_format, guard_formulas=guard)
    for product, images in rows:
        failed.write(product, images)
    assert failed.rows == sum(any(image.result is None for image in images) for _, images in rows)
    return sink.getvalue()


def test_rows_with_a_failed_image_are_written_with_their_errors() -> None:
    text = written(
        a_catalogue_format(),
        (a_product(1, A, record='1, "x", "http://i/a.jpg"\r\n'), [GOOD]),
        (a_product(2, A, B, C, record='2, "y", "http://i/a.jpg,http://i/b.jpg,http://i/c.jpg"\n'), [GOOD, BAD, WORSE]),
        (a_product(3, B, record="3,z,http://i/b.jpg"), [BAD]),
    )

    assert text == (
        f"S. No.,Product Name,Input Image Urls,{ADDED}\r\n"
        '2, "y", "http://i/a.jpg,http://i/b.jpg,http://i/c.jpg",http://i/b.jpg | http://i/c.jpg,'
        'http_404 | not_an_image,"the host answered 404 | the host sent HTML, no image"\n'
        "3,z,http://i/b.jpg,http://i/b.jpg,http_404,the host answered 404"
    )


def test_a_row_without_a_line_end_gets_one_when_another_row_follows() -> None:
    rows = [(a_product(number, B, record=f"{number},z,{B}"), [BAD]) for number in (1, 2)]
    assert written(a_catalogue_format(), *rows).count("\r\n") == 2


def test_a_platform_s_row_keeps_its_own_image_urls() -> None:
    dialect = Dialect(";", "utf-8", bom=True, line_end="\n", preamble="sep=;\n")
    catalogue_format = CatalogueFormat(Profile.SHOPIFY, dialect, "Handle;Image Src\n", 2, (ImageColumn(1, many=False),))

    text = written(catalogue_format, (a_product(1, B, record=f"shoe;{B}\n"), [BAD]))

    assert text == (
        f"\ufeffsep=;\nHandle;Image Src;{ADDED.replace(',', ';')}\n"
        f"shoe;{B};http://i/b.jpg;http_404;the host answered 404\n"
    )


def test_columns_that_exist_already_are_filled_in_place() -> None:
    header = 'No,Name,Image Urls,"Error Codes",Note, Failed Image Urls \r\n'
    catalogue_format = a_catalogue_format(header=header, width=6)

    text = written(catalogue_format, (a_product(1, B, record=f"1,a,{B},old,note,older\r\n"), [BAD]))

    assert text == (
        f"{header[:-2]},Error Details\r\n" + f"1,a,{B},http_404,note,http://i/b.jpg,the host answered 404\r\n"
    )


def test_untrusted_text_is_guarded() -> None:
    formula = replace(
        a_failed_image("http://i/x", error_code=ErrorCode.INVALID_URL, error_detail="=not a URL"), url="=cmd()"
    )
    product = a_product(1, "=cmd()", record='=1,"@a",=cmd()\r\n')

    assert written(a_catalogue_format(), (product, [formula])).splitlines()[1] == (
        """'=1,"'@a",'=cmd(),'=cmd(),invalid_url,'=not a URL"""
    )
    assert written(a_catalogue_format(), (product, [formula]), guard=False).splitlines()[1] == (
        """=1,"@a",=cmd(),=cmd(),invalid_url,=not a URL"""
    )


@pytest.mark.parametrize(
    "upload",
    [
        'S. No.,Product Name,Input Image Urls\r\n1,a,http://i/a.jpg\r\n2,"b, b",http://i/b.jpg,http://i/c.jpg\r\n',
        'Input Image Urls,Note,Product Name,S. No.\n"http://i/b.jpg, http://i/a.jpg",=1,x,1',
        "S. No.,Product Name,Input Image Urls,Output Image Urls\n1.,a,http://i/b.jpg,http://o/b.jpg\n",
        '\ufeffS. No.,Product Name,Input Image Urls\r1,a,"http://i/b.jpg\r,http://i/c.jpg"\r2,b,http://i/c.jpg\r',
        *PLATFORMS.values(),
    ],
    ids=["urls unquoted", "urls first", "an output", "cr and bom", *PLATFORMS],
)
def test_it_is_a_valid_upload_and_its_own_failed_csv_has_the_columns_once(upload: str) -> None:
    first = failed_of(upload)
    second = failed_of(first)
    assert opened(first).catalogue_format.profile is opened(upload).catalogue_format.profile

    rows, again = read(first), read(second)
    assert rows[0][-3:] == ADDED.split(",")
    assert again == rows
    assert [row.urls for row in opened(first).rows()] == [
        row.urls for row in opened(upload).rows() if {B, C} & set(row.urls)
    ]


def opened(text: str) -> Catalogue:
    return open_catalogue(lambda: [text.encode()], CatalogueLimits())


def failed_of(text: str) -> str:
    """The failed.csv of an upload in which only image A is good."""
    catalogue = opened(text)
    images = {url: replace(image, image_id=image_id(url)) for url, image in ((A, GOOD), (B, BAD), (C, WORSE))}
    return written(
        catalogue.catalogue_format,
        *(
            (a_product(row.row, *row.urls, record=row.record, slots=row.slots), [images[url] for url in row.urls])
            for row in catalogue.rows()
        ),
    )


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True, skipinitialspace=True))
