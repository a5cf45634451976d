"""Which responses have the whole image, and how large it is if they have a part."""

import pytest

from services.downloader.statuses import complete_size, has_whole_content


@pytest.mark.parametrize("status", [200, 201, 203, 207, 226, 299])
def test_a_success_has_the_whole_image(status: int) -> None:
    assert has_whole_content(status, {})


@pytest.mark.parametrize("status", [100, 202, 204, 205, 206, 300, 302, 304, 404, 500, 999])
def test_no_other_status_has(status: int) -> None:
    assert not has_whole_content(status, {})


@pytest.mark.parametrize(
    ("content_range", "whole"),
    [
        ("bytes 0-99/100", True),
        (" bytes 0-0/1 ", True),
        ("bytes 0-98/100", False),
        ("bytes 1-99/100", False),
        ("bytes 0-99/*", False),
        ("bytes */100", False),
        ("items 0-99/100", False),
        ("bytes 0-99/100, bytes 0-99/100", False),
        ("bytes 0-" + "9" * 5000 + "/1" + "0" * 5000, False),
        ("", False),
        (None, False),
    ],
)
def test_a_part_may_be_the_whole(content_range: str | None, whole: bool) -> None:
    headers = {} if content_range is None else {"Content-Range": content_range}
    assert has_whole_content(206, headers) is whole


@pytest.mark.parametrize(
    ("content_range", "size"),
    [("bytes 0-98/100", 100), (" bytes 7-7/100 ", 100), ("bytes */100", 100), ("bytes 0-98/*", None), ("", None)],
)
def test_a_part_names_the_size_of_the_whole(content_range: str, size: int | None) -> None:
    assert complete_size({"Content-Range": content_range}) == size
