"""Acknowledgements cover every finished delivery, and none in progress."""

from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.finished_tags import FinishedTags


class Broker:
    """The unanswered deliveries of a channel, and RabbitMQ's rules for acknowledgements."""

    def __init__(self, deliveries: int) -> None:
        self.unanswered = set(range(1, deliveries + 1))
        self.frames = 0

    def acknowledge(self, tag: int, *, multiple: bool = False) -> None:
        assert tag in self.unanswered  # else it closes the channel
        self.frames += 1
        self.unanswered -= {each for each in self.unanswered if each <= tag} if multiple else {tag}

    def reject(self, tag: int) -> None:
        assert tag in self.unanswered
        self.unanswered.remove(tag)


def answer(broker: Broker, tags: FinishedTags) -> None:
    up_to, others = tags.take()
    if up_to is not None:
        broker.acknowledge(up_to, multiple=True)
    for tag in others:
        broker.acknowledge(tag)


@st.composite
def endings(draw: st.DrawFn) -> list[tuple[int, str]]:
    """Deliveries in the order in which they end; after some of them the acknowledgements are sent."""
    order = draw(st.permutations(range(1, draw(st.integers(1, 30)) + 1)))
    return [(tag, draw(st.sampled_from(("finished", "finished, then sent", "rejected")))) for tag in order]


@given(endings())
def test_what_is_finished_is_acknowledged_and_nothing_else(ends: list[tuple[int, str]]) -> None:
    broker, tags, in_progress = Broker(len(ends)), FinishedTags(), {tag for tag, _ in ends}
    for tag, how in ends:
        in_progress.remove(tag)
        if how == "rejected":
            broker.reject(tag)
            tags.skip(tag)
        else:
            tags.add(tag)
        if how == "finished, then sent":
            answer(broker, tags)
            assert broker.unanswered == in_progress
        assert in_progress <= broker.unanswered
    answer(broker, tags)
    assert not broker.unanswered


@given(st.permutations(range(1, 20)))
def test_deliveries_that_finish_together_need_one_frame(order: list[int]) -> None:
    broker, tags = Broker(len(order)), FinishedTags()
    for tag in order:
        tags.add(tag)
    answer(broker, tags)
    assert (broker.unanswered, broker.frames) == (set(), 1)


def test_without_news_there_is_nothing_to_send() -> None:
    tags = FinishedTags()
    assert tags.take() == (None, [])
    tags.skip(1)
    assert tags.take() == (None, [])
    tags.add(3)
    assert tags.take() == (None, [3])
    assert tags.take() == (None, [])
    tags.add(2)
    assert tags.take() == (2, [])
    tags.add(4)
    assert tags.take() == (4, [])
