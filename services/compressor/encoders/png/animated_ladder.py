"""Animated PNG: lossless if that is enough, else true colour in coarser steps, else one palette for all frames."""

import io
from collections.abc import Iterator
from functools import cached_property, partial
from itertools import islice

import numpy as np
from PIL import Image

from services.compressor.decoders import Animation, Frame, Picture, to_basic_mode
from services.compressor.encoders.palette import (
    ALL_COLOURS,
    COLOURS,
    STEP_OF_COLOURS,
    Histogram,
    Palette,
    colours_of_quality,
    histogram_of_frames,
    palette_image,
    predict_animation_bytes,
    predict_sizes_by_colours,
    reduced_palette,
    round_colours,
)
from services.compressor.encoders.png.apng_file import PixelFrame, Pixels, Playback, Transparency, write_apng
from services.compressor.encoders.png.png_file import png_chunks_of, profile_for_png
from services.compressor.rate_control import Ladder

_MIN_COLOURS = 4  # transparent, opaque and two translucent entries


def animated_png_ladder(picture: Picture, animation: Animation) -> Ladder:
    """Rungs are numbers of colours; the last rung is lossless."""
    apng = _Apng(picture, animation)
    return Ladder(apng.rungs, apng.encode, apng.expected_sizes, colours_of_quality, has_quality=False)


class _Apng:
    def __init__(self, picture: Picture, animation: Animation) -> None:
        self._picture, self._animation = picture, animation
        palettes = (colours for colours in COLOURS if colours >= _MIN_COLOURS)
        self.rungs = [*palettes, *sorted(STEP_OF_COLOURS), ALL_COLOURS]

    def encode(self, colours: int) -> bytes:
        return self._encode(colours, self._animation.count)

    def expected_sizes(self, limit: int) -> list[float]:
        """From the first frames."""

        def predicted_bytes(colours: int) -> int:
            return predict_animation_bytes(partial(self._encode_bytes, colours), self._animation.count)

        return predict_sizes_by_colours(self.rungs, limit, 1.0, predicted_bytes)

    def _encode_bytes(self, colours: int, count: int) -> int:
        return len(self._encode(colours, count))

    @cached_property
    def _histogram(self) -> Histogram:
        return histogram_of_frames(lambda: (image for image, _ in self._frames()))

    def _frames(self) -> Iterator[Frame]:
        return (Frame(to_basic_mode(image).convert("RGBA"), time) for image, time in self._animation.frames())

    def _encode(self, colours: int, count: int) -> bytes:
        playback = Playback(count, self._animation.loop)
        frames = islice(self._frames(), count)
        if colours <= COLOURS[-1]:
            palette = reduced_palette(self._histogram, colours)
            indexed = (PixelFrame(palette.indices(image), time) for image, time in frames)
            return write_apng(
                indexed, _transparent_entry(palette), lambda pixels: self._indexed_png(pixels, palette), playback
            )
        step = STEP_OF_COLOURS.get(colours, 1)
        stepped = (PixelFrame(np.asarray(round_colours(image, step)), time) for image, time in frames)
        return write_apng(stepped, _TRANSPARENT_PIXEL, lambda pixels: self._png(Image.fromarray(pixels)), playback)

    def _indexed_png(self, pixels: Pixels, palette: Palette) -> bytes:
        return self._png(palette_image(pixels, palette.entries))

    def _png(self, image: Image.Image) -> bytes:
        out = io.BytesIO()
        profile, info = profile_for_png(self._picture), png_chunks_of(self._picture)
        image.save(out, "PNG", icc_profile=profile, exif=self._picture.exif, pnginfo=info)
        return out.getvalue()


_TRANSPARENT_PIXEL = Transparency(np.zeros(4, dtype=np.uint8), lambda pixels: pixels[..., 3] == 255)


def _transparent_entry(palette: Palette) -> Transparency:
    opaque = palette.entries[:, 3] == 255
    return Transparency(np.array(len(opaque) - 1, dtype=np.uint8), lambda pixels: opaque[pixels])
