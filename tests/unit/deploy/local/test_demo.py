import csv
import io
from pathlib import Path

import httpx
import pytest
from PIL import Image

from deploy.local.demo.catalogue import PRODUCTS, URLS_IN, URLS_OUT, read_slots, write_catalogue
from deploy.local.demo.checks import Checks
from deploy.local.demo.compare import Comparison
from deploy.local.demo.photos import PHOTOS, make_photos

CATALOGUE = write_catalogue("http://shop")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    make_photos(folder)
    return folder


def output_of(catalogue: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(catalogue)))
    return [row | {URLS_OUT: row[URLS_IN].replace("http://shop", "http://imagemill")} for row in rows]


def as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def answer(content: bytes, kind: str) -> httpx.Response:
    return httpx.Response(200, content=content, headers={"content-type": kind})


def compare(before: Path, after: bytes, kind: str) -> Comparison:
    return Comparison.of(
        before.name, "0.9731", answer(before.read_bytes(), kind), answer(after, kind), answer(after, kind)
    )


def encoded(photo: Path, kind: str, size: tuple[int, int] | None = None) -> bytes:
    with Image.open(photo) as image:
        target = io.BytesIO()
        image.resize(size or image.size).save(target, format=kind, quality=40)
    return target.getvalue()


def test_each_output_slot_is_read_with_its_input() -> None:
    slots = read_slots(as_csv(output_of(CATALOGUE)), CATALOGUE)
    assert [slot.url_in for slot in slots] == [f"http://shop/{name}" for _, names in PRODUCTS for name in names]
    assert all(slot.url_out == slot.url_in.replace("shop", "imagemill") for slot in slots)


def test_an_output_with_rows_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        read_slots(as_csv(output_of(CATALOGUE)[::-1]), CATALOGUE)


def test_an_output_with_a_lost_slot_is_refused() -> None:
    rows = output_of(CATALOGUE)
    rows[0][URLS_OUT] = rows[0][URLS_OUT].rsplit(",", 1)[0]
    with pytest.raises(ValueError, match="zip"):
        read_slots(as_csv(rows), CATALOGUE)


def test_every_photograph_of_the_catalogue_is_made(photos: Path) -> None:
    assert {name for _, names in PRODUCTS for name in names} == {photo.name for photo in PHOTOS}
    for photo in PHOTOS:
        with Image.open(photos / photo.name) as image:
            image.load()
            assert min(image.size) > 250


def test_the_photographs_have_six_formats_and_one_is_animated(photos: Path) -> None:
    kinds, moving = set(), []
    for photo in PHOTOS:
        with Image.open(photos / photo.name) as image:
            kinds.add(image.format)
            moving += [photo.name] * (getattr(image, "n_frames", 1) > 1)
    assert kinds == {"JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF"}
    assert moving == ["cat.gif"]


def test_a_smaller_version_of_a_photograph_keeps_every_promise(photos: Path) -> None:
    comparison = compare(photos / "coffee.jpg", encoded(photos / "coffee.jpg", "JPEG"), "image/jpeg")
    assert comparison.same_picture
    assert comparison.same_size
    assert comparison.same_format
    assert comparison.true_headers
    assert comparison.saved_percent > 50


def test_another_photograph_of_the_same_size_is_recognised(photos: Path) -> None:
    with Image.open(photos / "coffee.jpg") as coffee:
        other = encoded(photos / "cat.jpg", "JPEG", coffee.size)
    assert not compare(photos / "coffee.jpg", other, "image/jpeg").same_picture


def test_other_dimensions_and_formats_are_recognised(photos: Path) -> None:
    comparison = compare(photos / "coffee.jpg", encoded(photos / "coffee.jpg", "WEBP", (300, 200)), "image/jpeg")
    assert not comparison.same_size
    assert not comparison.same_format
    assert not comparison.true_headers
    assert comparison.format == "WebP"


def test_an_animation_reduced_to_one_frame_is_recognised(photos: Path) -> None:
    comparison = compare(photos / "cat.gif", encoded(photos / "cat.gif", "GIF"), "image/gif")
    assert comparison.same_format
    assert not comparison.same_frames


def test_a_response_that_is_no_image_is_a_fault(photos: Path) -> None:
    with pytest.raises(OSError, match="cannot identify"):
        compare(photos / "coffee.jpg", b"no image", "image/jpeg")


def test_all_held_needs_at_least_one_promise_and_no_broken_one() -> None:
    assert not Checks().all_held
    assert Checks([("one", True)]).all_held
    assert not Checks([("one", True), ("another", False)]).all_held
