"""Whether the downloaders have room for another image of a request. Pure.

A request may occupy a multiple of what is free (Choudhury & Hahne, Dynamic Queue Length Thresholds for Shared-Memory
Packet Switches, 1998). So there is room for a newcomer, whatever the others do, and one request alone gets most slots.

A host is on trial until a download there has ended promptly, and again once one has taken long. Hosts on trial share a
part of the slots by the same rule. Otherwise hosts that hang would occupy all slots until they time out.
"""

from collections import Counter
from collections.abc import Mapping

FREE_FACTOR = 3
"""A request may have so many times the downloads that are free: alone three quarters, beside another three sevenths."""
TRIAL_SHARE = 0.75
"""Of the slots, for downloads at hosts on trial."""


class DownloadRoom:
    """The room in one step of the dispatcher; it shrinks with each image that is sent."""

    def __init__(self, slots: int, on_trial: Mapping[str, int]) -> None:
        """slots: maximum concurrent downloads. on_trial: by request, its downloads at hosts on trial."""
        self._on_trial = Counter(on_trial)
        self._requests = sum(number > 0 for number in on_trial.values())
        self._total = sum(on_trial.values())
        self._for_trial = TRIAL_SHARE * slots

    def has_room(self, downloading: int, free: int) -> bool:
        """Whether one more image of a request may start.

        downloading: its images that occupy a slot. free: slots that no request occupies.
        """
        return downloading < FREE_FACTOR * free

    def may_try(self, request_id: str) -> bool:
        """Whether one more image of the request may start at a host on trial."""
        own = self._on_trial[request_id]
        if not own:
            return True
        # What others occupied before does not keep a request from an equal part.
        free, equal_part = self._for_trial - self._total, self._for_trial / (self._requests + 1)
        return own < max(FREE_FACTOR * free, equal_part)

    def tried(self, request_id: str) -> None:
        """An image of the request starts at a host on trial."""
        self._requests += not self._on_trial[request_id]
        self._on_trial[request_id] += 1
        self._total += 1
