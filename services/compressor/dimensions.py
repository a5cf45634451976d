"""The width and height of a result. Pure."""

from shared.contracts.messages import CompressOptions


def target_dimensions(size: tuple[int, int], options: CompressOptions) -> tuple[int, int]:
    """Width and height that the options require of an upright picture of this size. Never larger than the picture."""
    width, height = size
    scale = options.percent / 100 if options.mode == "dimensions" else 1.0
    return fit_inside(size, options.max_width or width, options.max_height or height, scale)


def fit_inside(size: tuple[int, int], max_width: int, max_height: int, scale: float = 1.0) -> tuple[int, int]:
    """The size times `scale`, or smaller so that it fits inside the box; proportions are kept, 1 pixel at least."""
    width, height = size
    scale = min(scale, max_width / width, max_height / height)
    return min(max(1, round(width * scale)), max_width), min(max(1, round(height * scale)), max_height)
