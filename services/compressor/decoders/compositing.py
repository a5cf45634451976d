"""Put an animation's frames together: GIF and APNG store of each only the part that changed."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from PIL import Image

from services.compressor.decoders.picture import Frame

_CLEAR = (0, 0, 0, 0)


class Part(NamedTuple):
    """What changes at a frame.

    image: in mode RGBA, with its upper left corner at `at`.
    over: its clear pixels leave what is there; otherwise they clear it too.
    disposal: what happens to its area before the next frame.
    """

    image: Image.Image
    at: tuple[int, int]
    milliseconds: int
    over: bool
    disposal: Literal["keep", "clear", "previous"]


def composed(size: tuple[int, int], parts: Iterable[Part]) -> Iterator[Frame]:
    """Whole frames, as browsers show them: the canvas begins clear, and a disposal to the "background" clears it."""
    canvas = Image.new("RGBA", size)
    for part in parts:
        x, y = part.at
        before = canvas.copy() if part.disposal == "previous" else canvas
        if part.over:
            canvas.alpha_composite(part.image, part.at)
        else:
            canvas.paste(part.image, part.at)
        opaque = canvas.getchannel("A").getextrema() == (255, 255)
        yield Frame(canvas.convert("RGB") if opaque else canvas.copy(), part.milliseconds)
        if part.disposal == "clear":
            canvas.paste(_CLEAR, (x, y, x + part.image.width, y + part.image.height))
        canvas = before
