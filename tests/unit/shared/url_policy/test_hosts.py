"""The name of a host, with the port unless it is the default."""

import httpx
import pytest

from shared.url_policy.hosts import host_name


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Images.Test/a.jpg", "images.test"),
        ("https://images.test:443/a.jpg", "images.test"),
        ("http://images.test:80", "images.test"),
        ("http://images.test:443/a.jpg", "images.test:443"),
        ("http://127.0.0.1:8000/a.jpg", "127.0.0.1:8000"),
        ("http://[::1]:8000/a.jpg", "[::1]:8000"),
        ("http://[::1]/a.jpg", "[::1]"),
        ("http://bücher.test/ä.jpg", "xn--bcher-kva.test"),
        ("http://straße.test/", "xn--strae-oqa.test"),
        ("http://xn--strae-oqa.test/", "xn--strae-oqa.test"),
    ],
)
def test_a_host_has_the_same_name_in_every_spelling_of_its_url(url: str, expected: str) -> None:
    assert host_name(url) == expected
    assert host_name(str(httpx.URL(url))) == expected
