"""Whether the downloaders have room for another image of a request. Pure.

A request may occupy a multiple of what is free (Choudhury & Hahne, Dynamic Queue Length Thresholds for Shared-Memory
Packet Switches, 1998). So there is room for a newcomer, whatever the others do, and one request alone gets most slots.
"""

from collections.abc import Mapping

FREE_FACTOR = 3
"""A request may have so many times the downloads that are free: alone three quarters, beside another three sevenths."""
LONG_SHARE = 0.5
"""Of the slots, for downloads that take long. Beyond it only hosts that respond get more. Otherwise many small images
at hosts that trickle would occupy all slots until they time out."""


class DownloadRoom:
    """The room in one step of the dispatcher."""

    def __init__(self, slots: int, taking_long: Mapping[str, int]) -> None:
        """slots: maximum concurrent downloads. taking_long: by request, its downloads that do."""
        self._taking_long = {request_id: number for request_id, number in taking_long.items() if number}
        for_long = LONG_SHARE * slots
        # What others occupied before does not keep a request from an equal part.
        self._max_long = max(
            FREE_FACTOR * (for_long - sum(self._taking_long.values())),
            for_long / (len(self._taking_long) + 1),
        )

    def has_room(self, downloading: int, free: int) -> bool:
        """Whether one more image of a request may start.

        downloading: its images that occupy a slot. free: slots that no request occupies.
        """
        return downloading < FREE_FACTOR * free

    def needs_responsive_hosts(self, request_id: str) -> bool:
        """Whether so many downloads of the request take long that only hosts that respond may get more."""
        number = self._taking_long.get(request_id, 0)
        return bool(number) and number >= self._max_long
