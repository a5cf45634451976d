"""Averages that follow a change. Pure."""


def moved(before: float | None, sample: float, weight: float) -> float:
    """The exponentially weighted average after another sample; `before`: None for the first one."""
    return sample if before is None else before + weight * (sample - before)
