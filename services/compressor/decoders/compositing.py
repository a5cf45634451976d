"""Composite an animation's frames: GIF and APNG store only the part of each frame that changes."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from PIL import Image

from services.compressor.decoders.picture import Frame

_TRANSPARENT = (0, 0, 0, 0)

Disposal = Literal["keep", "clear", "previous"]
"""What happens to a part's area before the next frame: it stays, becomes transparent, or is restored."""


class FramePart(NamedTuple):
    """The part of a frame that changes.

    image: in mode RGBA, with its upper left corner at `position`.
    blend: whether it is blended over the canvas; otherwise it replaces the pixels there, transparent ones included.
    """

    image: Image.Image
    position: tuple[int, int]
    milliseconds: int
    blend: bool
    disposal: Disposal


def composite(size: tuple[int, int], parts: Iterable[FramePart]) -> Iterator[Frame]:
    """Whole frames as browsers show them: the canvas starts transparent, and disposal "to background" clears it."""
    canvas = Image.new("RGBA", size)
    for part in parts:
        x, y = part.position
        before = canvas.copy() if part.disposal == "previous" else canvas
        if part.blend:
            canvas.alpha_composite(part.image, part.position)
        else:
            canvas.paste(part.image, part.position)
        opaque = canvas.getchannel("A").getextrema() == (255, 255)
        yield Frame(canvas.convert("RGB") if opaque else canvas.copy(), part.milliseconds)
        if part.disposal == "clear":
            canvas.paste(_TRANSPARENT, (x, y, x + part.image.width, y + part.image.height))
        canvas = before
