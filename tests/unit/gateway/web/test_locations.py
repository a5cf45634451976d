"""The URLs of a response's headers."""

import pytest

from services.gateway.web import Locations

ULID = "01KAP2Y3Q4R5S6T7V8W9XAYBZC"


@pytest.mark.parametrize(
    ("base", "prefix"), [("http://localhost:8000", ""), ("https://a.test/", ""), ("https://a.test/x/y/", "/x/y")]
)
def test_a_location_starts_with_the_path_of_the_public_url(base: str, prefix: str) -> None:
    headers = Locations(base).of_accepted(ULID)

    assert headers == {"Location": f"{prefix}/status?request_id={ULID}", "Retry-After": "2"}
