"""The limit of concurrent attempts at one receiver."""

from contextlib import ExitStack

import pytest

from services.aggregator.receiver_slots import ReceiverSlots


def test_a_receiver_has_a_limited_number_of_slots() -> None:
    slots = ReceiverSlots(2)
    with ExitStack() as taken:
        assert [taken.enter_context(slots.take("slow.test")) for _ in range(3)] == [True, True, False]
        with slots.take("other.test") as is_free:
            assert is_free
    with slots.take("slow.test") as is_free:
        assert is_free


def test_a_slot_is_free_again_after_an_error() -> None:
    slots = ReceiverSlots(1)
    with pytest.raises(RuntimeError), slots.take("slow.test"):
        raise RuntimeError
    with slots.take("slow.test") as is_free:
        assert is_free
