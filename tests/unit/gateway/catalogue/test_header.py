"""Every image column is read, or named in a warning or an error."""

import time

import pytest

from services.gateway.catalogue.findings import CatalogueRefused, Finding
from services.gateway.catalogue.inspection import Inspection, inspect_catalogue
from services.gateway.catalogue.limits import CatalogueLimits
from shared.catalogue import Profile
from shared.url_policy import AddressPolicy


def inspected(header: str, profile: Profile | None = None, limits: CatalogueLimits | None = None) -> Inspection:
    """A file of one row, with a URL in each cell from the third on."""
    cells = [f"https://a.example/{number}.jpg" if number > 1 else "x" for number in range(header.count(",") + 1)]
    data = f"{header}\n{','.join(cells)}\n".encode()
    return inspect_catalogue(lambda: [data], limits or CatalogueLimits(), AddressPolicy(), profile)


def refused(header: str, limits: CatalogueLimits | None = None) -> tuple[Finding, ...]:
    with pytest.raises(CatalogueRefused) as caught:
        inspected(header, limits=limits)
    return caught.value.findings


@pytest.mark.parametrize(
    ("header", "profile", "read"),
    [
        ("Serial Number,Product Name,image_url,image_url_2,image_url_3", Profile.NUMBERED, [2, 3, 4]),
        ("No,Name,Image,Image 1,Image 2", Profile.NUMBERED, [2, 3, 4]),
        ("No,Handle,Title,Image Src,Variant Image", Profile.SHOPIFY, [3, 4]),
        ("ID,SKU,Name,Item No,Images", Profile.WOOCOMMERCE, [4]),
        ("id,title,image_link,additional_image_link_1,additional_image_link_2", Profile.GOOGLE, [2, 3, 4]),
        ("id,title,image_link,additional_image_link,additional_image_link", Profile.GOOGLE, [2, 3, 4]),
        ("No,Name,Images", Profile.GENERIC, [2]),
    ],
)
def test_all_image_columns_are_read(header: str, profile: Profile, read: list[int]) -> None:
    found = inspected(header)
    assert found.catalogue_format.profile is profile
    assert [column.index for column in found.catalogue_format.image_columns] == read
    assert found.slots == len(read)
    assert "looks like" not in " ".join(finding.problem for finding in found.findings)


@pytest.mark.parametrize(
    ("header", "profile", "unread"),
    [
        ("No,Name,image_link,additional_image_link", None, "additional_image_link"),
        ("S. No.,Product Name,Input Image Urls,Image 1", None, "Image 1"),
        ("sku,name,base_image,image_1", Profile.MAGENTO, "image_1"),
        ("id,title,image_link,image_2", Profile.GOOGLE, "image_2"),
        ("No,Name,Image Urls,Photos", None, "Photos"),
        ("No,Name,Image Urls,main_image_url", None, "main_image_url"),
    ],
)
def test_an_image_column_that_is_not_read_is_a_warning(header: str, profile: Profile | None, unread: str) -> None:
    [warning] = [finding for finding in inspected(header, profile).findings if "looks like" in finding.problem]
    assert (warning.severity, warning.column, warning.line) == ("warning", unread, 1)


def test_advice_to_choose_a_platform_lists_what_each_choice_does_not_read() -> None:
    [finding] = refused("sku,name,base_image,image_1")
    assert finding.problem == "the columns are those of magento and numbered"
    assert "profile=magento (without image_1) or profile=numbered" in finding.advice


def test_thousands_of_columns_are_refused_and_thousands_of_numbered_ones_are_read_quickly() -> None:
    names = ",".join(f"{kind}image{number}" for kind in ("", "main", "other", "extra") for number in range(1000))
    header = f"sku,name,{names}"
    started_at = time.process_time()
    inspected(header, limits=CatalogueLimits(columns=5000, slots_per_row=5000))
    assert time.process_time() - started_at < 2
    [finding] = refused(header)
    assert "4,002 columns" in finding.problem


@pytest.mark.parametrize("part", ["[=", "[", "[=]", "#1", "#1.a", "=", "]"])
def test_a_hostile_name_takes_little_time(part: str) -> None:
    started_at = time.process_time()
    inspected(f"No,Name,Image,{part * 30_000}")
    assert time.process_time() - started_at < 2  # trying each pair of brackets and signs would take hours
