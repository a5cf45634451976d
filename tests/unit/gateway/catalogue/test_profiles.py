"""Shop platforms' catalogues are detected by their headers and read by the platform's rules."""

import pytest

from services.gateway.catalogue.columns import normalise
from services.gateway.catalogue.findings import CatalogueRefused, Finding
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.opening import open_catalogue
from services.gateway.catalogue.profiles import is_numbered
from services.gateway.catalogue.reading import Catalogue
from shared.catalogue import ImageColumn, Profile

A, B, C = "https://a.example/1.jpg", "https://b.example/2.jpg", "https://c.example/3.jpg"


def opened(text: str, profile: Profile | None = None) -> Catalogue:
    return open_catalogue(lambda: [text.encode()], CatalogueLimits(), profile=profile)


def products(text: str) -> list[tuple[str, str, tuple[str, ...], tuple[int, ...]]]:
    return [(row.serial_number, row.product_name, row.urls, row.slots) for row in opened(text).rows()]


def refusal(text: str, profile: Profile | None = None) -> tuple[Finding, ...]:
    with pytest.raises(CatalogueRefused) as refused:
        opened(text, profile)
    return refused.value.findings


def test_shopify_rows_share_a_handle_and_the_name_of_its_first_row() -> None:
    text = (
        "Handle,Title,Image Src,Image Position,Variant Image\n"
        f"shoe,Red shoe,{A},1,{C}\nshoe,,{B},2,\nhat,Hat,,,\nshoe,,{C},3,\n"
    )
    assert opened(text).catalogue_format.profile is Profile.SHOPIFY
    assert products(text) == [
        ("shoe", "Red shoe", (A, C), (1, 1)),
        ("shoe", "Red shoe", (B,), (1, 0)),
        ("hat", "Hat", (), (0, 0)),
        ("shoe", "Red shoe", (C,), (1, 0)),
    ]
    assert products(f"Title,URL handle,Product image URL,Variant image URL\nHat,hat,{A},{B}\n") == [
        ("hat", "Hat", (A, B), (1, 1))
    ]


def test_woocommerce_lists_may_have_escaped_commas_and_a_blank_id_is_replaced_by_the_sku() -> None:
    text = f'ID,Type,SKU,Name,Images\n7,simple,s7,Hat,"{A}, https://t.example/sharpen(1\\,0)/\\,https://x/2.jpg"\n,simple,s8,Cap,{B}\n'
    assert opened(text).catalogue_format.profile is Profile.WOOCOMMERCE
    assert products(text) == [
        ("7", "Hat", (A, "https://t.example/sharpen(1,0)/,https://x/2.jpg"), (2,)),
        ("s8", "Cap", (B,), (1,)),
    ]


@pytest.mark.parametrize("separator", [",", "|"])
def test_magento_has_one_image_per_role_and_a_list(separator: str) -> None:
    text = (
        "sku,name,additional_images,base_image,small_image,thumbnail_image,swatch_image,base_image_label\n"
        f'w1,Watch,"{B}{separator}{C}",{A},{A},,{B},front\n'
    )
    assert opened(text).catalogue_format.image_columns == (
        ImageColumn(2, many=True),
        *(ImageColumn(index, many=False) for index in (3, 4, 5, 6)),
    )
    assert products(text) == [("w1", "Watch", (B, C, A, A, B), (2, 1, 1, 0, 1))]


def test_google_s_escaped_commas_stay_in_the_url() -> None:
    text = f"id\ttitle\timage link\tadditional_image_link\n1\tHat, red\thttps://g.example/a%2Cb.jpg\t{A},{B}\n"
    assert opened(text).catalogue_format.profile is Profile.GOOGLE
    assert products(text) == [("1", "Hat, red", ("https://g.example/a%2Cb.jpg", A, B), (1, 2))]


@pytest.mark.parametrize(
    "header",
    [
        "id,title,image_1,image_2",
        "SKU,Product Name,Image 1,Image 2",
        "S. No.,Name,image url 1,Image URL 2",
        "sku,item_name,main_image_url,other_image_url1",
        "id,name,Image,Additional Image 2",
        "Listing ID,Title,Photo 1,Photo 2",
    ],
)
def test_numbered_columns_have_one_image_each(header: str) -> None:
    assert opened(f"{header}\n1,Hat,{A},{B}\n").catalogue_format.profile is Profile.NUMBERED
    assert products(f"{header}\n1,Hat,{A},{B}\n2,Cap,,{C}\n") == [
        ("1", "Hat", (A, B), (1, 1)),
        ("2", "Cap", (C,), (0, 1)),
    ]


@pytest.mark.parametrize("name", ["Image 1 Alt Text", "Image Position", "Image", "1", "Images", "Price 1"])
def test_other_names_with_numbers_are_no_image_columns(name: str) -> None:
    assert not is_numbered(normalise(name))


def test_a_file_with_the_generic_columns_is_generic_whatever_else_it_has() -> None:
    text = f"S. No.,sku,Product Name,Images,image_1,Handle,Input Image Urls\n1,s,p,{B},{C},h,{A}\n"
    assert opened(text).catalogue_format.profile is Profile.GENERIC
    assert products(text) == [("1", "p", (A,), (1,))]


def test_if_two_platforms_match_the_file_is_refused_until_one_is_chosen() -> None:
    text = f"id,sku,name,title,Images,image_link\n1,s,n,t,{A},{B}\n"
    (finding,) = refusal(text)
    assert finding.problem == "the columns are those of woocommerce and google"
    assert "profile=woocommerce" in finding.advice
    assert opened(text, Profile.GOOGLE).catalogue_format.image_columns == (ImageColumn(5, many=False),)


def test_columns_that_a_chosen_profile_lacks_are_named() -> None:
    found = refusal("S. No.,Product Name,Input Image Urls\n", Profile.SHOPIFY)
    assert [finding.problem for finding in found] == [
        'the column "Handle" is missing for profile=shopify',
        'the column "Image Src" or "Variant Image" is missing for profile=shopify',
    ]


def test_the_refusal_lists_the_header_and_says_what_to_rename() -> None:
    serial, urls = refusal("Colour,Size,Product Name,Weight\nred,L,p,7\n")
    assert [finding.problem for finding in (serial, urls)] == [
        'the column "Serial Number" is missing',
        'the column "Input Image Urls" is missing',
    ]
    assert serial.advice.startswith('Rename the column that holds it to "Serial Number", or add it.')
    assert serial.advice.endswith('The header has: "Colour", "Size", "Product Name", "Weight"')


def test_ambiguous_columns_are_named() -> None:
    (finding,) = refusal("Handle,URL handle,Title,Image Src\n")
    assert finding.problem == '"Handle" and "URL handle" may all be "Handle"'
    (numbered,) = refusal("id,image_1,Image 1\n")
    assert numbered.problem == '"image_1" and "Image 1" may all be "image1"'
