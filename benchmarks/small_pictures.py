"""Small generated pictures for an image host, which repeats them with a comment."""

from tests.support.pictures import a_photo

_PICTURES = 200


def small_pictures() -> list[bytes]:
    return [a_photo(number, 160, 120) for number in range(_PICTURES)]
