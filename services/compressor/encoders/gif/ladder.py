"""GIF, still or animated: lossless if that is enough, else fewer colours.

Without dithering: it would make still areas of an animation flicker, and its bytes are better spent on more colours.
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
    predict_sizes_by_colours,
    reduced_palette,
)
from services.compressor.rate_control import Ladder

_MIN_VISIBLE_ALPHA = 128


def gif_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """Rungs are numbers of colours, transparency included. The last rung is lossless if 256 colours are enough."""
    gif = _Gif(picture)
    return Ladder(
        gif.rungs, gif.encode, gif.expected_sizes, gif.rung_of, has_quality=False, own_colours=gif.own_colours
    )


class _Gif:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._exact = exact_palette(self._images)
        self._histogram = histogram_of_frames(self._images)
        colours = MAX_COLOURS + 1 if self._exact is None else max(len(self._exact.entries), 2)
        self.rungs = [*(rung for rung in COLOURS if rung < colours), colours]
        self.own_colours: int | None = None
        self._few_palette: FramePalette | None = None
        if picture.few_colours:
            self._few = _with_binary_alpha(to_srgb(picture.few_colours(), picture.icc_profile))
            self._few_palette = exact_palette(lambda: iter((self._few,)))
        if self._few_palette:
            self.own_colours = len(self._few_palette.entries)
            self.rungs = [self.own_colours, *(rung for rung in self.rungs if rung > self.own_colours)]

    def rung_of(self, quality: int) -> int:
        return min(colours_of_quality(quality), self.rungs[-1])

    def encode(self, colours: int) -> bytes:
        return self._encode(colours, None)

    def expected_sizes(self, limit: int) -> list[float]:
        """From the first frames; a still picture is encoded completely."""
        count = self._picture.animation.count if self._picture.animation else 1

        def predicted_bytes(colours: int) -> int:
            return predict_animation_bytes(partial(self._encode_bytes, colours), count)

        return predict_sizes_by_colours(self.rungs, limit, 1.0, predicted_bytes)

    def _encode_bytes(self, colours: int, max_frames: int) -> int:
        return len(self._encode(colours, max_frames))

    def _encode(self, colours: int, max_frames: int | None) -> bytes:
        if self._few_palette and colours == self.own_colours:
            few = IndexedFrame(self._few_palette.indices(self._few), 0)
            return write_gif([few], self._few_palette.entries, None)
        palette = self._palette(colours)
        frames = (IndexedFrame(palette.indices(image), time) for image, time in islice(self._frames(), max_frames))
        animation = self._picture.animation
        return write_gif(frames, palette.entries, animation.loop if animation else None)

    def _palette(self, colours: int) -> FramePalette:
        if self._exact is not None and colours >= len(self._exact.entries):
            return self._exact
        return reduced_palette(self._histogram, colours)

    def _images(self) -> Iterator[Image.Image]:
        return (image for image, _ in self._frames())

    def _frames(self) -> Iterator[Frame]:
        """In sRGB, since a GIF has no colour profile; each pixel opaque or transparent."""
        animation, profile = self._picture.animation, self._picture.icc_profile
        frames = animation.frames() if animation else iter([Frame(self._picture.image, 0)])
        return (Frame(_with_binary_alpha(to_srgb(image, profile)), time) for image, time in frames)


def _with_binary_alpha(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands():
        return image
    image = image.convert("RGBA")
    image.putalpha(image.getchannel("A").point([0] * _MIN_VISIBLE_ALPHA + [255] * (256 - _MIN_VISIBLE_ALPHA)))
    return image
