"""What the status says beside the facts: when to ask again."""

import pytest

from services.gateway.status import retry_after
from shared.contracts.records import Progress
from tests.builders import NOW


@pytest.mark.parametrize(("pending", "seconds"), [(0, 1), (1, 1), (500, 10), (1_000_000, 30)])
def test_a_client_is_asked_to_come_back_the_later_the_more_there_is_left(pending: int, seconds: int) -> None:
    assert retry_after(Progress(total=pending, compressed=0, failed=0, pending=pending, as_of=NOW)) == seconds
