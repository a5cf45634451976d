"""`jpeg_source` reads how a JPEG was encoded; `check_scans` finds missing scans."""

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
    ("save", "optimised"),
    [({}, False), ({"optimize": True}, True), ({"progressive": True}, True), ({"quality": 5}, False)],
)
def test_optimised_huffman_tables_are_detected(save: dict[str, Any], *, optimised: bool) -> None:
    source = source_of(saved(**save))

    assert source.optimised_huffman == optimised
    assert source.progressive == ("progressive" in save)


@pytest.mark.parametrize(("subsampling", "factors"), [("4:4:4", (1, 1)), ("4:2:2", (2, 1)), ("4:2:0", (2, 2))])
def test_subsampling_is_read_from_the_header(subsampling: str, factors: tuple[int, int]) -> None:
    assert source_of(saved(subsampling=subsampling)).subsampling == factors


def test_quantisation_tables_are_read_from_the_header() -> None:
    tables = [list(range(1, 65)), [7] * 64]

    source = source_of(saved(qtables=tables, quality=50))  # at 50 Pillow uses the tables unchanged

    assert [list(table) for table in source.tables] == tables


def test_a_grey_jpeg_has_one_table_and_no_subsampling() -> None:
    source = source_of(saved("L"))

    assert source.subsampling == (1, 1)
    assert source.tables[0] == source.tables[1]


def test_scan_bytes_are_those_between_the_scan_header_and_the_end_marker() -> None:
    jpeg = saved()
    header = jpeg.index(b"\xff\xda")

    assert source_of(jpeg).scan_bytes == len(jpeg) - 2 - (header + 14)


@pytest.mark.parametrize("save", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_scan_bytes_exclude_appended_bytes(save: dict[str, Any]) -> None:
    jpeg = saved(**save)

    assert source_of(jpeg + b"\0film" + saved()).scan_bytes == source_of(jpeg).scan_bytes
    assert source_of(jpeg).scan_bytes == len(jpeg) - 2 - next(
        end for marker, _, end in iter_jpeg_segments(jpeg) if marker == START_OF_SCAN
    )


def test_scan_bytes_exclude_further_pictures_of_an_mpo() -> None:
    several = specimen("jpeg multi-picture (MPO)").data
    further = several.index(b"\xff\xd8\xff", 3)

    assert source_of(several).scan_bytes < further


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("jpeg")])
def test_check_scans_accepts_every_valid_jpeg(name: str) -> None:
    check_scans(specimen(name).data)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_check_scans_refuses_a_progressive_jpeg_truncated_between_scans(mode: str) -> None:
    jpeg = saved(mode, progressive=True)
    scans = [at for at in range(len(jpeg)) if jpeg.startswith(b"\xff\xda", at)]
    assert len(scans) > 3

    for start in scans:
        with pytest.raises(ValueError, match="scans are missing"):
            check_scans(jpeg[:start] + b"\xff\xd9")
