"""A file has its end, or it has not; formats without a mark at their end have none."""

import pytest

from services.downloader.picture_end import TAIL_BYTES, ends_whole
from tests.support.photos import photos

WEAKLY_MARKED = {"gif.jpg"}  # two bytes, which may also be data
MARKED = {"jpeg.jpg", "progressive.jpg", "png.jpg", "webp.jpg", "gif.jpg", "bmp.jpg"}


@pytest.mark.parametrize("name", photos())
def test_only_a_whole_file_of_a_format_with_an_end_ends_whole(name: str) -> None:
    data = photos()[name]
    assert ends(data) is (name in MARKED)
    cut_off = [size for size in range(len(data)) if ends(data[:size])]
    assert len(cut_off) <= (len(data) / 5_000 if name in WEAKLY_MARKED else 0)


def ends(data: bytes) -> bool:
    return ends_whole(data[:1024], data[-TAIL_BYTES:], len(data))


def test_other_files_do_not() -> None:
    assert not ends_whole(b"", b"", 0)
    assert not ends_whole(b"<html>", b"\xff\xd9", 6)
