"""Rows that are easily misread: no other cell becomes part of a URL, and no URL part of another cell."""

import time

import pytest

from services.gateway.catalogue.findings import CatalogueRefused, Finding
from services.gateway.catalogue.inspection import Inspection, inspect_catalogue
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.opening import reopen_catalogue
from services.gateway.catalogue.reading import CatalogueRow
from shared.url_policy import AddressPolicy

A, B, C = (f"https://a.example/{number}.jpg" for number in range(1, 4))
HEADER = "No,Name,Image Urls\n"


def read(text: str) -> tuple[Inspection, list[CatalogueRow]]:
    data = text.encode()
    found = inspect_catalogue(lambda: [data], CatalogueLimits(), AddressPolicy())
    return found, list(reopen_catalogue(lambda: [data], CatalogueLimits(), found.catalogue_format).rows())


def urls_of(text: str) -> list[tuple[str, ...]]:
    return [row.urls for row in read(text)[1]]


def refused(text: str) -> tuple[Finding, ...]:
    with pytest.raises(CatalogueRefused) as caught:
        read(text)
    return caught.value.findings


@pytest.mark.parametrize(
    "text",
    [
        f"No,Name,Image Urls,,\n1,Lamp,{A},in stock,7\n",
        f"No,Name,Image Urls,,\n1,Lamp,{A},7,\n",
        f"{HEADER}1,Lamp,{A},in stock\n",
        f"{HEADER}1,Lamp,{A},brown\n",
        f"No,Image Urls,Name,,\n1,{A},Lamp,brown,7\n",
    ],
)
def test_the_text_of_another_column_is_not_part_of_a_url(text: str) -> None:
    [finding] = refused(text)
    assert (finding.row, finding.line) == (2, 2)
    assert "but the header has 3 columns" in finding.problem
    assert "name every column that has text" in finding.advice


@pytest.mark.parametrize(
    ("cells", "urls"),
    [
        (f"{A},{B}", (A, B)),
        (f"{A}, {B},", (A, B)),
        ("https://a.example/w_1,h_2/1.jpg", ("https://a.example/w_1,h_2/1.jpg",)),
        (f"https://a.example/1?u=17,18,{B}", ("https://a.example/1?u=17,18", B)),
        (f"{A}?crop=1,2,x0,y0,{B}", (f"{A}?crop=1,2,x0,y0", B)),
    ],
)
def test_the_cells_of_an_unquoted_list_are_joined(cells: str, urls: tuple[str, ...]) -> None:
    assert urls_of(f"{HEADER}1,Lamp,{cells}\n") == [urls]


@pytest.mark.parametrize(
    "cell",
    [
        f"'{A}', '{B}'",
        f"<{A}>, <{B}>",
        f'""{A}"",""{B}""',
        f'[""{A}"", ""{B}""]',
        f"[{A}, {B}]",
    ],
)
def test_quotes_and_brackets_around_urls_are_removed(cell: str) -> None:
    found, [row] = read(f'{HEADER}1,Lamp,"{cell}"\n')
    assert row.urls == (A, B)
    assert (found.slots, found.refused_slots) == (2, 0)


def test_a_bracket_at_the_end_of_a_url_is_kept() -> None:
    assert urls_of(f"{HEADER}1,Lamp,https://a.example/x[1]\n") == [("https://a.example/x[1]",)]


@pytest.mark.parametrize("cell", [f'"{A},{B},{C}"', f'"{A},{B}"'])
def test_a_quoted_list_in_the_first_cell_is_not_a_quoted_row(cell: str) -> None:
    _, [row] = read(f"Image Urls,No,Name\n{cell}\n")
    assert (row.serial_number, row.product_name, row.urls) == ("", "", tuple(cell.strip('"').split(",")))


def test_a_quoted_row_may_begin_with_a_url() -> None:
    _, [row] = read(f'Image Urls,No,Name\n"{A},1,Lamp"\n')
    assert (row.serial_number, row.product_name, row.urls) == ("1", "Lamp", (A,))


def test_a_list_is_not_joined_in_a_column_of_one_image() -> None:
    [finding] = refused(f"sku,name,image_1,image_2\n1,Lamp,{A},{B},{C}\n")
    assert "5 cells" in finding.problem


def test_magentos_no_selection_is_no_slot() -> None:
    found, [row] = read(f"sku,name,base_image,small_image\nl1,Lamp,{A},no_selection\n")
    assert (row.urls, row.slots) == ((A,), (1, 0))
    assert found.findings == ()


@pytest.mark.parametrize("cell", ["n/a", "NULL", "#N/A", "no image"])
def test_a_word_for_no_image_is_a_slot_error_with_advice(cell: str) -> None:
    [finding] = read(f"{HEADER}1,Lamp,{cell}\n")[0].findings
    assert (finding.severity, finding.problem, finding.advice) == ("slot_error", "not a URL", "Leave the cell empty.")


def test_a_path_after_an_images_file_name_is_a_warning() -> None:
    found, [row] = read(f'{HEADER}1,Lamp,"{A},/m/b/2.jpg"\n')
    assert row.urls == (f"{A},/m/b/2.jpg",)
    [finding] = found.findings
    assert (finding.severity, "comma after an image's file name" in finding.problem) == ("warning", True)


def test_a_blank_after_a_closing_quote_gets_its_own_advice() -> None:
    [finding] = refused(f'{HEADER}1,"Lamp" ,{A}\n')
    assert finding.advice == "Delete the blanks after the closing quote."


@pytest.mark.parametrize("entity", ["&amp;", "&AMP;", "&#38;", "&amp;amp;"])
def test_every_form_of_an_html_ampersand_is_repaired(entity: str) -> None:
    assert urls_of(f"{HEADER}1,Lamp,{A}?x=1{entity}y=2\n") == [(f"{A}?x=1&y=2",)]


def test_hosts_are_named_with_their_ports() -> None:
    data = f'{HEADER}1,Lamp,"{A},https://a.example:8443/2.jpg"\n'.encode()
    policy = AddressPolicy(ports=frozenset({443, 8443}))
    found = inspect_catalogue(lambda: [data], CatalogueLimits(), policy)
    assert found.slots_by_host == {"a.example": 1, "a.example:8443": 1}


def test_a_long_unquoted_url_with_commas_takes_little_time() -> None:
    started_at = time.process_time()
    read(f"{HEADER}1,Lamp,https://a.example/{',a' * 400_000}\n")
    assert time.process_time() - started_at < 5  # searching the URL again for each comma would take a minute


def test_text_that_is_far_too_long_for_a_url_takes_little_time() -> None:
    started_at = time.process_time()
    found, _ = read(f"{HEADER}1,Lamp,https://{'é.' * 400_000}/1.jpg\n")
    assert time.process_time() - started_at < 2
    assert found.refused_slots == 1
