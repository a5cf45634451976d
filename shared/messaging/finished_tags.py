"""Which of a channel's deliveries one acknowledgement can cover.

The broker numbers the deliveries of a channel 1, 2, 3, ... An acknowledgement with the flag `multiple` covers its tag
and all earlier ones, so none of these may still be in progress.
"""


class FinishedTags:
    """Collects the tags of finished deliveries until they are taken, to be acknowledged."""

    def __init__(self) -> None:
        self._all_up_to = 0
        self._later: set[int] = set()  # answered, after one that is in progress
        self._waiting: set[int] = set()

    def add(self, tag: int) -> None:
        """The delivery is to be acknowledged."""
        self._waiting.add(tag)

    def skip(self, tag: int) -> None:
        """The delivery was answered in another way."""
        self._later.add(tag)

    @property
    def are_waiting(self) -> bool:
        """Whether any were added since the last `take`."""
        return bool(self._waiting)

    def take(self) -> tuple[int | None, list[int]]:
        """What was added since the last call: a tag up to which to acknowledge all, and the other tags.

        The tag is None if an earlier delivery than any that was added is in progress.
        """
        up_to = None
        while (tag := self._all_up_to + 1) in self._waiting or tag in self._later:
            if tag in self._waiting:
                self._waiting.remove(tag)
                up_to = tag
            else:
                self._later.remove(tag)
            self._all_up_to = tag
        others, self._waiting = sorted(self._waiting), set()
        self._later.update(others)
        return up_to, others
