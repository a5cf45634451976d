"""Every dialect that spreadsheets write is detected; reading again with the detected format gives the same rows."""

import csv
import io
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue.encoding import GivenEncoding
from services.gateway.catalogue.findings import CatalogueRefused, Finding
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.opening import open_catalogue, reopen_catalogue
from shared.catalogue import Dialect, cell_text, split_record
from tests.catalogues.reading import inspected, pieces

A, B = "https://a.example/1.jpg", "https://b.example/2.jpg"
HEADER = ["S. No.", "Product Name", "Input Image Urls"]
ENCODINGS = {
    "utf-8": ("utf-8", False, b""),
    "utf-8-sig": ("utf-8", True, b"\xef\xbb\xbf"),
    "utf-16-le": ("utf-16-le", True, b"\xff\xfe"),
    "utf-16-be": ("utf-16-be", True, b"\xfe\xff"),
    "utf-16-le without a BOM": ("utf-16-le", False, b""),
    "utf-16-be without a BOM": ("utf-16-be", False, b""),
    "cp1252": ("cp1252", False, b""),
}


def refusal(data: bytes) -> list[Finding]:
    with pytest.raises(CatalogueRefused) as refused:
        inspected(data)
    return [finding for finding in refused.value.findings if finding.severity == "error"]


@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=9)] * 3).filter(
            lambda row: any(cell.strip() for cell in row)
        ),
        min_size=1,
        max_size=4,
    ),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\r\n", "\n", "\r"]),
    preamble=st.sampled_from(["", "sep={}", '"sep={}"', "SEP={}"]),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    size=st.integers(1, 50),
)
def test_a_table_in_any_dialect_is_read_twice_with_the_same_result(
    rows: list[tuple[str, str, str]], delimiter: str, line_end: str, preamble: str, encoding: str, size: int
) -> None:
    sink = io.StringIO(newline="")
    preamble = preamble and preamble.format(delimiter) + line_end
    sink.write(preamble)
    writer = csv.writer(sink, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerow([*HEADER[:2], "Übriges" if encoding == "cp1252" else "Rest", HEADER[2]])
    writer.writerows([*row[:2], "\u00e9", row[2]] for row in rows)
    name, bom, mark = ENCODINGS[encoding]
    data = mark + sink.getvalue().encode(name)
    chunks = partial(pieces, data, size)
    # The encoding of a text without words cannot be guessed.
    given = GivenEncoding(option=encoding if encoding == "cp1252" else None)
    catalogue = open_catalogue(chunks, CatalogueLimits(), given_encoding=given)
    read = list(catalogue.rows())

    assert catalogue.catalogue_format.dialect == Dialect(delimiter, name, bom, line_end, preamble)
    assert preamble + catalogue.catalogue_format.header + "".join(row.record for row in read) == sink.getvalue()
    cells = [[cell_text(raw) for raw in split_record(row.record, delimiter)[0]] for row in read]
    assert cells == [[*row[:2], "\u00e9", row[2]] for row in rows]
    assert list(reopen_catalogue(chunks, CatalogueLimits(), catalogue.catalogue_format).rows()) == read


@pytest.mark.parametrize(
    ("encoding", "problem"),
    [("cp1252", "byte 40 is 0xFC"), ("utf-16-le", "no byte order mark"), ("utf-16-be", "no byte order mark")],
)
def test_a_guessed_encoding_is_a_warning(encoding: str, problem: str) -> None:
    (finding,) = inspected(f"S. No.,Product Name,Input Image Urls\n1,für,{A}\n".encode(encoding)).findings

    assert problem in finding.problem
    assert finding.severity == "warning"
    assert encoding != "cp1252" or finding.line == 2


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("S. No.,Product Name,Input Image Urls\n1,\ud800,x\n".encode("utf-16", "surrogatepass"), "not UTF-16 text"),
        (b"sep=:\nS. No.:Product Name:Input Image Urls\n1:p:x\n", "a delimiter that is not supported"),
        (b"sep=\n", "a delimiter that is not supported"),
        (b"sep=;\n", "the file is empty"),
    ],
)
def test_a_file_in_no_known_dialect_is_refused(data: bytes, problem: str) -> None:
    (finding,) = refusal(data)

    assert problem in finding.problem


@pytest.mark.parametrize("preamble", ["", "sep=,\r\n"])
def test_quotes_around_whole_lines_are_removed(preamble: str) -> None:
    quoted = f'"S. No.,Product Name,Input Image Urls"\r\n"1,""Lamp, tall"",{A}"\r\n"2,Desk,{A},{B}"\r\n'
    catalogue = open_catalogue(lambda: [(preamble + quoted).encode()], CatalogueLimits())
    read = list(catalogue.rows())

    assert catalogue.catalogue_format.header == "S. No.,Product Name,Input Image Urls\r\n"
    assert [(row.product_name, row.urls) for row in read] == [("Lamp, tall", (A,)), ("Desk", (A, B))]
    assert [row.record for row in read] == [f'1,"Lamp, tall",{A}\r\n', f'2,Desk,"{A},{B}"\r\n']
    problems = [finding.problem for finding in catalogue.findings.listed]
    assert "quotes around the whole header were removed" in problems
    assert "quotes around whole rows were removed: 2, the first at line " + ("3" if preamble else "2") in problems


def test_repaired_rows_get_warnings() -> None:
    found = inspected(f"S. No.,Product Name,Input Image Urls,,\n\n1,p,{A},,\n2,q\n,,,,\n3,r,{A},{B}\n".encode())

    assert [(finding.line, finding.problem) for finding in found.findings if finding.row] == [
        (4, "2 of 3 cells; the missing ones were read as empty"),
        (4, "the row has no image URL"),
        (6, "a list of URLs that is not quoted; its cells were joined"),
    ]
    assert [(finding.line, finding.problem) for finding in found.findings if not finding.row] == [
        (3, "blank cells at the ends of rows were removed: 1, the first at line 3"),
        (2, "blank rows were skipped: 2, the first at line 2"),
    ]
    assert {finding.severity for finding in found.findings} == {"warning"}
