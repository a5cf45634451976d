"""Animations: which originals are one, and their frames, each looked at once so that none is missing."""

from collections.abc import Callable, Iterator
from typing import Protocol

from PIL import Image

from services.compressor.decoders.compositing import Part, composed
from services.compressor.decoders.orientation import upright
from services.compressor.decoders.picture import Animation, Frame


class Composite(Protocol):
    """A file that holds parts of frames: GIF, APNG."""

    loop: int

    def parts(self) -> Iterator[Part]: ...


def from_parts(file: Composite, size: tuple[int, int], count: int, orientation: int) -> Animation:
    def frames() -> Iterator[Frame]:
        for image, milliseconds in composed(size, file.parts()):
            yield Frame(upright(image, orientation), milliseconds)

    return Animation(frames, count, file.loop)


def from_pillow(reopen: Callable[[], Image.Image], count: int, loop: int, orientation: int) -> Animation:
    """For formats whose decoder puts frames together. Each run opens the file anew: two may run side by side."""

    def frames() -> Iterator[Frame]:
        image = reopen()
        for index in range(count):
            image.seek(index)
            image.load()
            yield Frame(upright(image.copy(), orientation), round(image.info.get("duration", 0)))

    return Animation(frames, count, loop)


def verified_first_frame(animation: Animation) -> Image.Image:
    """The first frame, after all have been decoded, one at a time.

    Raises ValueError, or what the decoder raises, if one is missing or broken.
    """
    frames = animation.frames()
    first = next(frames).image
    if 1 + sum(1 for _ in frames) != animation.count:
        raise ValueError("frames are missing")
    return first
