"""How long a request is kept after its finish. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """default: days for a request that does not choose; None keeps it for ever. longest: largest choice; None: any."""

    default: float | None
    longest: float | None

    def fault(self, chosen: int | None) -> str | None:
        """Why a request may not choose this number of days; None if it may."""
        if chosen is None or self.longest is None or chosen <= self.longest:
            return None
        return f"retention_days is at most {self.longest:g} in this installation, not {chosen}"

    def days(self, chosen: int | None) -> float | None:
        """The days for a request that chose `chosen`; None keeps it for ever."""
        return self.default if chosen is None else chosen
