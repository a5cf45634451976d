"""Build an `Animation`, and check that every frame of it decodes."""

from collections.abc import Callable, Iterator
from typing import Protocol

from PIL import Image

from services.compressor.decoders.compositing import FramePart, composite
from services.compressor.decoders.orientation import apply_orientation
from services.compressor.decoders.picture import Animation, Frame


class PartsFile(Protocol):
    """A file that stores only the part of each frame that changes: GIF, APNG."""

    loop: int

    def parts(self) -> Iterator[FramePart]: ...


def from_parts(file: PartsFile, size: tuple[int, int], count: int, orientation: int) -> Animation:
    """The animation in a file whose frames have to be composited."""

    def frames() -> Iterator[Frame]:
        for image, milliseconds in composite(size, file.parts()):
            yield Frame(apply_orientation(image, orientation), milliseconds)

    return Animation(frames, count, file.loop)


def from_pillow(reopen: Callable[[], Image.Image], count: int, loop: int, orientation: int) -> Animation:
    """The animation in a file whose frames Pillow composites. Each run reopens the file, so two may run in parallel."""

    def frames() -> Iterator[Frame]:
        image = reopen()
        for index in range(count):
            image.seek(index)
            image.load()
            yield Frame(apply_orientation(image.copy(), orientation), round(image.info.get("duration", 0)))

    return Animation(frames, count, loop)


def verified_first_frame(animation: Animation) -> Image.Image:
    """The first frame, after all frames were decoded one at a time.

    Raises ValueError, or what the decoder raises, if a frame is missing or broken.
    """
    frames = animation.frames()
    first = next(frames).image
    if 1 + sum(1 for _ in frames) != animation.count:
        raise ValueError("frames are missing")
    return first
