"""Whether the downloaders have room for another image of a request. Pure.

A request may occupy a multiple of what is free (Choudhury & Hahne, Dynamic Queue Length Thresholds for Shared-Memory
Packet Switches, 1998). So there is room for a newcomer, whatever the others do, and one request alone gets most slots.
"""

from collections.abc import Mapping

FREE_FACTOR = 3
"""A request may have so many times the downloads that are free: alone three quarters, beside another three sevenths."""
LATE_SHARE = 0.5
"""Of the slots, for downloads that are late. Beyond it only hosts that respond get more. Otherwise many small images at
hosts that trickle would occupy all slots until they time out."""


class DownloadRoom:
    """The room in one step of the dispatcher."""

    def __init__(self, slots: int, late: Mapping[str, int]) -> None:
        """slots: maximum concurrent downloads. late: by request, its downloads that take long."""
        self._late = {request_id: number for request_id, number in late.items() if number}
        for_late = LATE_SHARE * slots
        # What others occupied before does not keep a request from an equal part.
        self._max_late = max(
            FREE_FACTOR * (for_late - sum(self._late.values())),
            for_late / (len(self._late) + 1),
        )

    def has_room(self, downloading: int, free: int) -> bool:
        """Whether one more image of a request may start.

        downloading: its images that occupy a slot. free: slots that no request occupies.
        """
        return downloading < FREE_FACTOR * free

    def waits_for_late(self, request_id: str) -> bool:
        """Whether so many downloads of the request are late that only hosts that respond may get more."""
        late = self._late.get(request_id, 0)
        return bool(late) and late >= self._max_late
