"""What the status says of a request, and when to ask again."""

import pytest

from services.gateway.status import retry_after, status_answer
from shared.contracts.messages import CompressOptions
from shared.contracts.records import Progress
from tests.builders import NOW, a_request


@pytest.mark.parametrize(("pending", "seconds"), [(0, 1), (1, 1), (500, 10), (1_000_000, 30)])
def test_a_client_is_asked_to_come_back_the_later_the_more_there_is_left(pending: int, seconds: int) -> None:
    assert retry_after(Progress(total=pending, compressed=0, failed=0, pending=pending, as_of=NOW)) == seconds


def test_all_options_that_apply_are_shown() -> None:
    options = CompressOptions(percent=40, format="auto")

    shown = status_answer(a_request(options=options), "https://mill.test").model_dump(mode="json")["options"]

    assert shown == options.model_dump(mode="json")
    assert (shown["percent"], shown["format"], shown["mode"], shown["max_width"]) == (40, "auto", "size", None)
