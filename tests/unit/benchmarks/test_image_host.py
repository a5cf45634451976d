"""The pictures of the benchmarks' image host."""

import hashlib

from benchmarks.image_host import picture
from tests.support.pictures import a_photo, size_of


def test_a_picture_is_served_as_it_is_and_its_repetitions_are_distinct_pictures() -> None:
    pictures = [a_photo(0, 16, 12), a_photo(1, 16, 12)]
    served = [picture(pictures, number) for number in range(7)]

    assert served[:2] == pictures
    assert len({hashlib.sha256(each).digest() for each in served}) == 7
    assert {size_of(each) for each in served} == {(16, 12)}
