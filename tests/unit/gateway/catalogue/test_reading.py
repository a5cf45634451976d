"""Reading catalogues as people write them, and the findings on those that cannot be read."""

import csv
import io
from collections.abc import Iterable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue.findings import CatalogueRefused, Finding
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.opening import open_catalogue
from services.gateway.catalogue.reading import CatalogueRow
from shared.catalogue import cell_text, split_record
from tests.catalogues.reading import pieces

HEADER = "S. No.,Product Name,Input Image Urls\n"
A, B, C = "https://a.example/1.jpg", "https://b.example/2.jpg", "https://c.example/3.jpg"


def rows_of(text: str | bytes, limits: CatalogueLimits = CatalogueLimits()) -> list[CatalogueRow]:  # noqa: B008 - frozen
    data = text.encode() if isinstance(text, str) else text
    return list(open_catalogue(lambda: [data], limits).rows())


def cells_of(row: CatalogueRow, delimiter: str = ",") -> tuple[str, ...]:
    return tuple(map(cell_text, split_record(row.record, delimiter)[0]))


def urls_of(text: str | bytes) -> list[tuple[str, ...]]:
    return [row.urls for row in rows_of(text)]


def findings_of(text: str | bytes, limits: CatalogueLimits = CatalogueLimits()) -> tuple[Finding, ...]:  # noqa: B008
    with pytest.raises(CatalogueRefused) as refused:
        rows_of(text, limits)
    return refused.value.findings


def test_a_row_is_read_into_its_parts() -> None:
    (row,) = rows_of(f'S. No.,Product Name,Input Image Urls,Colour\n001, Oak "table" ,"{A}, {B}",brown\n')

    assert row == CatalogueRow(
        row=1,
        serial_number="001",
        product_name='Oak "table"',
        urls=(A, B),
        slots=(2,),
        record=f'001, Oak "table" ,"{A}, {B}",brown\n',
    )


@pytest.mark.parametrize(
    "header",
    [
        "S. No.,Product Name,Input Image Urls",
        "Serial Number,Product Name,Input Image URLs",
        "S.No,ProductName,InputImageUrls",
        "serial_no,product_name,input_image_urls",
        "serialNumber,productName,imageUrls",
        "Sr. No.,PRODUCT NAME,Image URLs",
        "#, Product Name , Input Image Urls",
        '"S. No.","Product Name","Input Image Urls"',
        "\ufeffS. No.,Product Name,Input Image Urls",
        '\ufeff"S. No.",Product Name,Input Image Urls',
        "Serial\u00a0Number,Product\u200bName,\uff29nput Image Urls",
        "S. No.,Product Name,Input Image Urls,,",
        "\n,,\nS. No.,Product Name,Input Image Urls",
    ],
)
def test_the_header_may_be_written_in_many_ways(header: str) -> None:
    assert rows_of(f"{header}\n7,Lamp,{A}\n") == [CatalogueRow(1, "7", "Lamp", (A,), (1,), f"7,Lamp,{A}\n")]


def test_columns_may_be_in_any_order_among_others() -> None:
    catalogue = open_catalogue(
        lambda: [f"Notes,Image Urls,Name,Notes,No\nx,{A},Lamp,y,7\n".encode()], CatalogueLimits()
    )

    assert catalogue.header == ("Notes", "Image Urls", "Name", "Notes", "No")
    assert list(catalogue.rows()) == [CatalogueRow(1, "7", "Lamp", (A,), (1,), f"x,{A},Lamp,y,7\n")]


@pytest.mark.parametrize(
    ("body", "urls"),
    [
        (f"1,p,{A}\n", [(A,)]),
        (f"1,p,{A}", [(A,)]),
        (f"1,p,{A}\r\n2,q,{B}\r\n", [(A,), (B,)]),
        (f"1,p,{A}\r2,q,{B}\r", [(A,), (B,)]),
        (f'1,p,"{A},{B}"\n', [(A, B)]),
        (f'1, p, "{A}, {B}"\n', [(A, B)]),
        (f'1,p,"{A},\n{B},\r\n{C}"\n', [(A, B, C)]),
        (f'1,p,"{A},,{B},"\n', [(A, B)]),
        (f"1,p,{A},{B},{C}\n", [(A, B, C)]),
        (f"1,p,{A}, {B}\n", [(A, B)]),
        (f"1,p,,{A}\n", [(A,)]),
        (f'1,p,"{A}",{B}\n', [(A, B)]),
        ("1,p,https://cdn/w_1200,h_900/1.jpg\n", [("https://cdn/w_1200,h_900/1.jpg",)]),
        (f"1,p,{A},,,\n", [(A,)]),
        (f"\n,,\n1,p,{A}\n  \n\t,\n2,q,{B}\n,,\n", [(A,), (B,)]),
        ("1,p\n", [()]),
        (f"1,p,{A}\n2\n", [(A,), ()]),
        ("1,p,not a url\n", [("not a url",)]),
        ('1,12" screen,http://x/1"2.jpg\n', [('http://x/1"2.jpg',)]),
        (f"1,a\x0cb\x85c\u2028d,{A}\n", [(A,)]),
    ],
)
def test_rows_are_read_as_intended(body: str, urls: list[tuple[str, ...]]) -> None:
    assert urls_of(HEADER + body) == urls


def test_a_repaired_row_has_as_many_cells_as_the_header() -> None:
    rows = rows_of(f"{HEADER}1,p,{A}, {B}\n2\n3,q,{C},,\n")

    assert [row.record for row in rows] == [f'1,p,"{A},{B}"\n', "2,,\n", f"3,q,{C}\n"]


def test_blank_rows_are_not_numbered() -> None:
    assert [(row.row, row.serial_number) for row in rows_of(f"{HEADER}a,p,{A}\n\n,,\nb,p,{A}\n")] == [
        (1, "a"),
        (2, "b"),
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"\n \r\n,,\n", "the file is empty"),
        (HEADER.encode(), "the file has no data rows"),
        (HEADER.encode() + b"\n,,\n", "the file has no data rows"),
        (b"Colour,Size\n1,2\n", "the file has no header"),
        (b"PK\x03\x04...", "looks like an Excel workbook (.xlsx)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "looks like an Excel workbook (.xls)"),
        (b"\x1f\x8b\x08\x00", "looks like gzip data"),
        (b"\xff\xd8\xff\xe0", "looks like a JPEG image"),
        (b"\x89PNG\r\n\x1a\n", "looks like a PNG image"),
        (b"\x89PNG\n\x1a\n", "looks like a PNG image"),
        (b"GIF8x", "looks like a GIF image"),
        (b"RIFF\x24\0\0\0AVI LIST", "looks like a video"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "looks like a RIFF file"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "looks like a WebP image"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "looks like a BMP image"),
        (b"II*\0\x08\0\0\0", "looks like a TIFF image"),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", "looks like an AVIF image"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "looks like a video"),
        (b"Rar!\x1a\x07", "looks like a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "looks like a 7z archive"),
        (b"%!PS-Adobe-3.0", "looks like a PostScript document"),
        (b"%PDF-1.7", "looks like a PDF document"),
        (HEADER.encode("utf-32"), "looks like UTF-32 text"),
        (HEADER.encode("utf-16-le")[:-1], "is not UTF-16 text"),
        ((HEADER + "1,a\0b,x\n").encode("utf-16"), f"byte {2 * len(HEADER) + 8} is zero"),
        (HEADER.encode() + b"1,p\0,x\n", f"byte {len(HEADER) + 3} is zero"),
        (HEADER.encode("utf-8-sig") + "1,caf\u00e9".encode()[:-1], f"byte {len(HEADER) + 8} is 0xC3"),
        (HEADER.encode("utf-8-sig") + "1,caf\u00e9,x\n".encode("latin-1"), f"byte {len(HEADER) + 8} is 0xE9"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_a_file_that_is_no_catalogue_is_refused_with_one_error(data: bytes, problem: str, size: int) -> None:
    with pytest.raises(CatalogueRefused) as refused:
        list(open_catalogue(lambda: pieces(data, size), CatalogueLimits()).rows())

    (finding,) = (finding for finding in refused.value.findings if finding.severity == "error")
    assert problem in finding.problem
    assert finding.advice


def test_a_header_that_begins_with_letters_of_a_signature_is_accepted() -> None:
    for header in ("BMW no.", "DDS code", "Stofftyp", "qoif", "gimp xcf", "8BPS"):
        data = f"{header},S. No.,Product Name,Input Image Urls\nx,1,Lamp,{A}\n".encode()
        (row,) = open_catalogue(partial(pieces, data, 99), CatalogueLimits()).rows()
        assert row.urls == (A,)


def test_a_product_is_not_read_as_a_header() -> None:
    (finding,) = findings_of(f"1,Lamp,{A}\n2,b,c\n")

    assert finding.problem == "the file has no header"
    assert "looks like a product" in finding.advice


def test_all_missing_and_ambiguous_columns_are_named_at_once() -> None:
    missing = findings_of("Product Name,Colour\np,red\n")
    ambiguous = findings_of(f"S. No.,Serial Number,Product Name,Image Urls,imageUrls\n1,1,p,{A},{A}\n")

    assert [finding.column for finding in missing] == ["Serial Number", "Input Image Urls"]
    assert [finding.column for finding in ambiguous] == ["Serial Number", "Input Image Urls"]
    assert '"S. No." and "Serial Number"' in ambiguous[0].problem


def test_every_fault_is_reported_with_row_line_and_column() -> None:
    text = (
        HEADER
        + f'1,"two\nlines",{A}\n'  # row 2, lines 2 and 3
        + f"2,Lamp, tall,{A}\n"  # row 3, line 4: the name's comma is not quoted
        + f'3,"Oak" table,{A}\n'  # row 4, line 5
        + f"4,Chair,{A}\n"
        + '5,"Sofa\n\n"," open\nto the end\n'  # row 6, lines 7 to the end
    )

    found = [(finding.problem, finding.row, finding.line, finding.column) for finding in findings_of(text)]

    assert found == [
        ("4 cells, but the header has 3 columns", 3, 4, "Input Image Urls"),
        ("text follows a cell's closing quote", 4, 5, "Product Name"),
        ("a quote is opened here and never closed", 6, 9, "Input Image Urls"),
    ]


def test_faults_of_header_and_rows_are_reported_together() -> None:
    findings = findings_of('Product Name,Image Urls\np,"never closed\n')

    assert [(finding.column, finding.line) for finding in findings] == [("Serial Number", 1), ("Image Urls", 2)]


def test_a_broken_header_is_not_reported_as_missing() -> None:
    (finding,) = findings_of(f'"S. No."x,Product Name,Input Image Urls\n1,p,{A}\n')

    assert (finding.problem, finding.line) == ("text follows a cell's closing quote", 1)


def test_surplus_cells_are_an_error_if_the_urls_are_not_last() -> None:
    (finding,) = findings_of(f"S. No.,Input Image Urls,Product Name\n1,{A},{B},Lamp\n")

    assert (finding.problem, finding.row) == ("4 cells, but the header has 3 columns", 2)


def test_a_thousand_findings_are_listed_and_the_rest_counted() -> None:
    with pytest.raises(CatalogueRefused) as refused:
        rows_of(HEADER + "1,a,b,c\n" * 1234)

    assert len(refused.value.findings) == 1000
    assert refused.value.more == 234


@pytest.mark.parametrize(
    ("limits", "body", "problem"),
    [
        (CatalogueLimits(rows=2), "1,p,x\n" * 3, "more than 2 data rows"),
        (CatalogueLimits(cell_chars=20), f"1,{'p' * 21},x\n", "a cell of more than 20 characters"),
        (CatalogueLimits(row_chars=60), '1,"' + "p\n" * 40, "not closed within 61 characters"),
        (CatalogueLimits(row_chars=50), "1," + "p," * 50 + "\n", "a row of more than 50 characters"),
        (CatalogueLimits(row_chars=50), "1," + '"\n",' * 50 + "\n", "a row of more than 50 characters"),
        (CatalogueLimits(slots_per_row=2), f'1,p,"{A},{B},{C}"\n', "3 image slots in one row"),
        (CatalogueLimits(columns=2), "1,p,x\n", "3 columns"),
    ],
)
def test_a_file_above_a_limit_is_refused(limits: CatalogueLimits, body: str, problem: str) -> None:
    (finding,) = findings_of(HEADER + body, limits)

    assert problem in finding.problem


def test_an_endless_row_is_refused_before_it_fills_the_memory() -> None:
    taken = 0

    def endless() -> Iterable[bytes]:
        nonlocal taken
        yield HEADER.encode("utf-8-sig")  # with a BOM, or else all of it is read to detect the encoding
        while True:
            taken += 1000
            yield b'"x\n",' * 200

    with pytest.raises(CatalogueRefused):
        list(open_catalogue(endless, CatalogueLimits(row_chars=100_000)).rows())

    assert taken < 200_000


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
# The csv module's writer does not quote blanks, and its reader skips spaces after a comma.
QUOTED_CELL = CELL.filter(lambda cell: bool(cell.strip()))


@given(
    rows=st.lists(st.tuples(QUOTED_CELL, CELL, CELL, CELL), min_size=1, max_size=8),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    bom=st.booleans(),
    size=st.integers(1, 64),
)
def test_the_output_of_a_csv_writer_is_read_back(
    rows: list[tuple[str, str, str, str]], line_end: str, bom: bool, size: int
) -> None:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator=line_end)
    writer.writerow(["Serial Number", "Product Name", "Input Image Urls", "Notes"])
    writer.writerows(rows)
    data = sink.getvalue().encode("utf-8-sig" if bom else "utf-8")

    read = list(open_catalogue(lambda: pieces(data, size), CatalogueLimits()).rows())

    assert [cells_of(row) for row in read] == rows
    assert [row.row for row in read] == list(range(1, len(rows) + 1))
    assert "".join(row.record for row in read) == sink.getvalue().partition(line_end)[2]


@given(
    cells=st.lists(
        st.tuples(*[st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=9)] * 3),
        min_size=1,
        max_size=8,
    ),
    spaces=st.integers(0, 2),
)
def test_cells_may_be_unquoted(cells: list[tuple[str, str, str]], spaces: int) -> None:
    plain = [tuple(cell.replace(",", ".").replace('"', "'") for cell in row) for row in cells]
    separator = "," + " " * spaces

    read = rows_of(HEADER + "\n".join(separator.join(row) for row in plain))

    assert [cells_of(row) for row in read] == plain


@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.text('",\r\n a\ufeff#', max_size=60).map(lambda text: (HEADER + text).encode()),
        st.text('",\r\n a', max_size=30).map(lambda text: ('#,name,"image urls' + text).encode()),
    ),
    size=st.integers(1, 30),
)
def test_any_bytes_give_rows_or_a_refusal(data: bytes, size: int) -> None:
    limits = CatalogueLimits(rows=5, columns=10, cell_chars=40, row_chars=80, slots_per_row=3)
    rows: list[CatalogueRow] = []
    findings: tuple[Finding, ...] = ()
    try:
        rows += open_catalogue(lambda: pieces(data, size), limits).rows()
    except CatalogueRefused as refused:
        findings = refused.findings

    assert findings or rows
    assert len({len(cells_of(row)) for row in rows}) <= 1
