"""Whether a download is too slow. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """How far a host is behind a minimum speed.

    It falls behind while it sends less, and catches up while it sends more, but it is never ahead: a fast start does
    not pay for a slow rest. A short pause does no harm.

    min_speed: bytes per second; 0 for no minimum. grace: seconds that it may be behind.
    """

    min_speed: int
    grace: float
    behind: float = 0.0

    def too_slow(self, size: int, waited: float) -> bool:
        """Whether it is too far behind, after it has sent `size` more bytes in `waited` seconds."""
        if not self.min_speed:
            return False
        self.behind = max(0.0, self.behind + waited - size / self.min_speed)
        return self.behind > self.grace
