"""GIF: without loss if that is enough, else fewer colours; still or moving.

Without dithering: it would let what stands still flicker, and cost more than colours do.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from PIL import Image

from services.compressor.decoders import Frame, Picture, to_srgb
from services.compressor.encoders.gif.gif_file import IndexedFrame, write_gif
from services.compressor.encoders.palette import (
    COLOURS,
    MAX_COLOURS,
    FramePalette,
    colours_of_quality,
    exact_palette,
    histogram_of_frames,
    predict_animation_bytes,
    predict_packed_sizes,
    reduced_palette,
)
from services.compressor.rate_control import Ladder

_VISIBLE = 128


def gif_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """Its rungs are numbers of colours, clear being one; the last one is no loss, if there are no more than 256."""
    gif = _Gif(picture)
    return Ladder(gif.rungs, gif.encode, gif.expected_sizes, gif.rung_of, has_quality=False)


class _Gif:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._exact = exact_palette(self._images)
        self._seen = histogram_of_frames(self._images)
        colours = MAX_COLOURS + 1 if self._exact is None else max(len(self._exact.entries), 2)
        self.rungs = [*(rung for rung in COLOURS if rung < colours), colours]

    def rung_of(self, quality: int) -> int:
        return min(colours_of_quality(quality), self.rungs[-1])

    def encode(self, colours: int) -> bytes:
        return self._encode(colours, None)

    def expected_sizes(self, limit: int) -> list[float]:
        """From the first frames; a still picture is packed as a whole."""
        count = self._picture.animation.count if self._picture.animation else 1

        def packed(colours: int) -> int:
            return predict_animation_bytes(partial(self._encode_bytes, colours), count)

        return predict_packed_sizes(self.rungs, limit, 1.0, packed)

    def _encode_bytes(self, colours: int, most_frames: int) -> int:
        return len(self._encode(colours, most_frames))

    def _encode(self, colours: int, most_frames: int | None) -> bytes:
        palette = self._palette(colours)
        frames = (IndexedFrame(palette.indices(image), time) for image, time in islice(self._frames(), most_frames))
        animation = self._picture.animation
        return write_gif(frames, palette.entries, animation.loop if animation else None)

    def _palette(self, colours: int) -> FramePalette:
        if self._exact is not None and colours >= len(self._exact.entries):
            return self._exact
        return reduced_palette(self._seen, colours)

    def _images(self) -> Iterator[Image.Image]:
        return (image for image, _ in self._frames())

    def _frames(self) -> Iterator[Frame]:
        """In sRGB, since no profile can travel; opaque or clear, nothing between."""
        animation, profile = self._picture.animation, self._picture.icc_profile
        frames = animation.frames() if animation else iter([Frame(self._picture.image, 0)])
        return (Frame(_hard(to_srgb(image, profile)), time) for image, time in frames)


def _hard(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands():
        return image
    image = image.convert("RGBA")
    image.putalpha(image.getchannel("A").point([0] * _VISIBLE + [255] * (256 - _VISIBLE)))
    return image
