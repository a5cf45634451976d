"""What a JPEG's header says about how it was encoded, and which lack scans."""

from typing import Any

import pytest

from services.compressor.decoders import START_OF_SCAN, JpegSource, iter_jpeg_segments, open_picture
from services.compressor.decoders.jpeg_segments import check_scans
from tests.support.compressing import MAX_PIXELS, a_picture, encoded
from tests.zoo import NAMES, specimen


def source_of(jpeg: bytes) -> JpegSource:
    source = open_picture(jpeg, MAX_PIXELS).jpeg
    assert source is not None
    return source


def saved(mode: str = "RGB", **save: Any) -> bytes:
    return encoded(a_picture(mode), "JPEG", **save)


@pytest.mark.parametrize(
    ("save", "fitted"),
    [({}, False), ({"optimize": True}, True), ({"progressive": True}, True), ({"quality": 5}, False)],
)
def test_who_made_its_huffman_tables_is_told(save: dict[str, Any], *, fitted: bool) -> None:
    source = source_of(saved(**save))

    assert source.optimised_huffman == fitted
    assert source.progressive == ("progressive" in save)


@pytest.mark.parametrize(("subsampling", "factors"), [("4:4:4", (1, 1)), ("4:2:2", (2, 1)), ("4:2:0", (2, 2))])
def test_how_chrominance_is_sampled_is_told(subsampling: str, factors: tuple[int, int]) -> None:
    assert source_of(saved(subsampling=subsampling)).subsampling == factors


def test_its_tables_are_those_it_was_saved_with() -> None:
    tables = [list(range(1, 65)), [7] * 64]

    source = source_of(saved(qtables=tables, quality=50))  # at which Pillow takes them as they are

    assert [list(table) for table in source.tables] == tables


def test_a_grey_one_has_one_table_and_no_chrominance() -> None:
    source = source_of(saved("L"))

    assert source.subsampling == (1, 1)
    assert source.tables[0] == source.tables[1]


def test_the_bytes_of_its_pixels_are_those_between_the_scans_header_and_the_end() -> None:
    jpeg = saved()
    header = jpeg.index(b"\xff\xda")

    assert source_of(jpeg).scan_bytes == len(jpeg) - 2 - (header + 14)


@pytest.mark.parametrize("save", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_what_is_appended_does_not_count(save: dict[str, Any]) -> None:
    jpeg = saved(**save)

    assert source_of(jpeg + b"\0film" + saved()).scan_bytes == source_of(jpeg).scan_bytes
    assert source_of(jpeg).scan_bytes == len(jpeg) - 2 - next(
        end for marker, _, end in iter_jpeg_segments(jpeg) if marker == START_OF_SCAN
    )


def test_a_cameras_further_pictures_do_not_count() -> None:
    several = specimen("jpeg of a camera with two lenses").data
    further = several.index(b"\xff\xd8\xff", 3)

    assert source_of(several).scan_bytes < further


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("jpeg")])
def test_no_sound_one_lacks_scans(name: str) -> None:
    check_scans(specimen(name).data)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_progressive_one_that_ends_between_two_scans_lacks_some(mode: str) -> None:
    jpeg = saved(mode, progressive=True)
    scans = [at for at in range(len(jpeg)) if jpeg.startswith(b"\xff\xda", at)]
    assert len(scans) > 3

    for start in scans:
        with pytest.raises(ValueError, match="scans are missing"):
            check_scans(jpeg[:start] + b"\xff\xd9")
