"""AVIF: lossy, with alpha and animation."""

import io
from collections.abc import Sequence

from PIL import Image

from services.compressor.decoders import Animation, Picture, to_basic_mode
from services.compressor.encoders.frame_sequence import FrameSequence, common_mode, start_of
from services.compressor.rate_control import QUALITIES, Ladder, RateModel, predict_animation_sizes, predict_sizes

MAX_SIDE = 32768
"""In pixels; AV1 has no room for more."""

# libaom has 64 quantisers for libavif's 101 qualities: at these the file is the same as at one less.
_NOTHING_NEW = frozenset((*range(5, 34, 2), *(2, 4, 36, 38, 41, 43, 46, 48, 51), *range(53, 94, 4)))
_RUNGS = tuple(quality for quality in QUALITIES if quality + 1 not in _NOTHING_NEW)
_RATE_MODEL = RateModel(
    curve=(
        (1, -2.201),
        (5, -2.119),
        (10, -1.911),
        (20, -1.593),
        (30, -1.214),
        (40, -0.839),
        (50, -0.394),
        (60, -0.062),
        (70, 0.246),
        (75, 0.423),
        (80, 0.569),
        (85, 0.694),
        (90, 0.93),
        (95, 1.223),
    ),
    at_50=(0.033, 0.043, 0.914, 0.014, 0.014),
    slope=(-0.058, -0.051, -0.123, -0.026, -0.018),
)
# Pixels up to which libaom's speed is affordable: 6 takes 0.47 s a megapixel, 7 0.28 s for 3 to 12 % more bytes, 8
# 0.17 s, 9 0.05 s. Above 7 it has no tools for screenshots, which then take four times the bytes; below 6 it takes
# four times as long for 3 %.
_SPEEDS = ((6_000_000, 6), (15_000_000, 7), (40_000_000, 8))
_FASTEST = 9
_ANIMATION_SPEED = 8
_GRAPHIC_COLOURS = 4096  # at most; photographs have more


def avif_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    if picture.animation:
        return _animated(picture, picture.animation)
    image = _writable(to_basic_mode(picture.image))
    how: dict[str, str | int] = {"subsampling": _subsampling(picture, image), "speed": _speed(image)}

    def encode(quality: int) -> bytes:
        return _encode(image, quality, how, picture.pillow_metadata())

    def expected(limit: int) -> Sequence[float]:
        carried = sum(map(len, picture.pillow_metadata().values()))
        sizes = predict_sizes(
            image, lambda sample, quality: len(_encode(sample, quality, how)), _RATE_MODEL, limit - carried
        )
        return _on_rungs([size + carried for size in sizes])

    return Ladder(_RUNGS, encode, expected, _rung_of)


def _on_rungs(sizes: Sequence[float]) -> list[float]:
    return [sizes[QUALITIES.index(rung)] for rung in _RUNGS]


def _rung_of(quality: int) -> int:
    """The highest that is the same as `quality`."""
    return min((rung for rung in _RUNGS if rung >= quality), default=quality)


def _encode(
    image: Image.Image, quality: int, how: dict[str, str | int], carried: dict[str, bytes] | None = None
) -> bytes:
    """On one core: every core has a worker process of its own. Tiles would only serve more."""
    out = io.BytesIO()
    image.save(out, "AVIF", quality=quality, max_threads=1, autotiling=False, **how, **(carried or {}))
    return out.getvalue()


def _writable(image: Image.Image) -> Image.Image:
    """In one of the modes that the writer takes; it would convert at each encode."""
    if image.mode == "LA":
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode == "RGBX" else image


def _speed(image: Image.Image, frames: int = 1) -> int:
    pixels = image.width * image.height * frames
    return next((speed for most, speed in _SPEEDS if pixels <= most), _FASTEST)


def _subsampling(picture: Picture, image: Image.Image) -> str:
    """Colour at full size for graphics, whose edges it would blur, and for JPEGs that had it so."""
    if image.mode == "L":
        return "4:0:0"
    if picture.jpeg:
        return "4:4:4" if picture.jpeg.subsampling == (1, 1) else "4:2:0"
    return "4:4:4" if image.getcolors(_GRAPHIC_COLOURS) else "4:2:0"


def _animated(picture: Picture, animation: Animation) -> Ladder:
    """The format has no number of times to play it that the writer could set: it is played for ever.

    All its frames must be of one mode.
    """
    mode = common_mode(animation)
    speed = max(_ANIMATION_SPEED, _speed(picture.image, animation.count))

    def encode(quality: int, frames: int = animation.count) -> bytes:
        reel = FrameSequence(start_of(animation, frames), mode)
        out = io.BytesIO()
        reel.save(
            out,
            "AVIF",
            save_all=True,
            duration=reel.milliseconds,
            quality=quality,
            speed=speed,
            max_threads=1,
            autotiling=False,
            **picture.pillow_metadata(),
        )
        return out.getvalue()

    def expected(_limit: int) -> Sequence[float]:
        return _on_rungs(
            predict_animation_sizes(animation.count, lambda frames, quality: len(encode(quality, frames)), _RATE_MODEL)
        )

    return Ladder(_RUNGS, encode, expected, _rung_of)
