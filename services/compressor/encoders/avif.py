"""AVIF: lossy, with alpha and animation."""

import io
from collections.abc import Sequence

from PIL import Image

from services.compressor.decoders import Animation, Picture, to_basic_mode
from services.compressor.encoders.avif_hdr import codec_options, with_hdr
from services.compressor.encoders.chrominance_loss import (
    FULL,
    HALVED,
    Subsampling,
    chrominance_loss,
    finest_subsampling,
)
from services.compressor.encoders.frame_sequence import FrameSequence, common_mode, first_frames
from services.compressor.rate_control import QUALITIES, Ladder, RateModel, predict_animation_sizes, predict_sizes

MAX_SIDE = 32768
"""In pixels: the limit of AV1."""

# libaom has 64 quantisers for libavif's 101 qualities. Each of these gives the same file as the quality below it.
_DUPLICATES = frozenset((*range(5, 34, 2), *(2, 4, 36, 38, 41, 43, 46, 48, 51), *range(53, 94, 4)))
_RUNGS = tuple(quality for quality in QUALITIES if quality + 1 not in _DUPLICATES)
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
# The largest number of pixels for each of libaom's speeds. Speed 6 takes 0.47 s per megapixel, 7 takes 0.28 s and 3 to
# 12 % more bytes, 8 takes 0.17 s, 9 takes 0.05 s. Above 7 libaom does not use its screen content tools, and screenshots
# take four times the bytes. Below 6 it takes four times as long and saves 3 %.
_SPEEDS = ((6_000_000, 6), (15_000_000, 7), (40_000_000, 8))
_FASTEST = 9
_ANIMATION_SPEED = 8
_MAX_GRAPHIC_COLOURS = 4096  # photographs have more
_VISIBLE_LOSS = 7.0  # of chrominance

_Settings = dict[str, str | int | dict[str, str]]


def avif_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """Rungs are qualities."""
    if picture.animation:
        return _animated(picture, picture.animation)
    image = _writable(to_basic_mode(picture.image))
    settings: _Settings = {"subsampling": _subsampling(picture, image), "speed": _speed(image)}
    hdr = picture.hdr if picture.icc_profile is None else None
    if hdr:
        settings["advanced"] = codec_options(hdr)

    def encode(quality: int) -> bytes:
        encoded = _encode(image, quality, settings, picture.pillow_metadata())
        return with_hdr(encoded, hdr) if hdr else encoded

    def encoded_bytes(sample: Image.Image, quality: int) -> int:
        return len(_encode(sample, quality, settings))

    def expected(limit: int) -> Sequence[float]:
        metadata = sum(map(len, picture.pillow_metadata().values()))
        sizes = predict_sizes(image, encoded_bytes, _RATE_MODEL, limit - metadata)
        return _sizes_of_rungs([size + metadata for size in sizes])

    return Ladder(_RUNGS, encode, expected, _rung_of)


def _sizes_of_rungs(sizes: Sequence[float]) -> list[float]:
    """From the sizes of all QUALITIES."""
    return [sizes[QUALITIES.index(rung)] for rung in _RUNGS]


def _rung_of(quality: int) -> int:
    """The highest quality that gives the same file as `quality`."""
    return min((rung for rung in _RUNGS if rung >= quality), default=quality)


def _encode(image: Image.Image, quality: int, settings: _Settings, metadata: dict[str, bytes] | None = None) -> bytes:
    """On one core, since each core has its own worker process. AV1 tiles would only help several cores."""
    out = io.BytesIO()
    image.save(out, "AVIF", quality=quality, max_threads=1, autotiling=False, **settings, **(metadata or {}))
    return out.getvalue()


def _writable(image: Image.Image) -> Image.Image:
    """In a mode that Pillow's writer accepts without converting; otherwise it would convert at each encode."""
    if image.mode == "LA":
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode == "RGBX" else image


def _speed(image: Image.Image, frames: int = 1) -> int:
    pixels = image.width * image.height * frames
    return next((speed for max_pixels, speed in _SPEEDS if pixels <= max_pixels), _FASTEST)


def _subsampling(picture: Picture, image: Image.Image) -> str:
    """What a JPEG original has at most; halved, unless the picture is a graphic or has sharp coloured edges.

    Graphics have few colours; halving blurs their edges.
    """
    if image.mode == "L":
        return "4:0:0"
    original = finest_subsampling(picture.jpeg)
    if original == HALVED or not _needs_fine_chrominance(picture, image, original):
        return "4:2:0"
    return "4:4:4" if original[0] == 1 else "4:2:2"


def _needs_fine_chrominance(picture: Picture, image: Image.Image, original: Subsampling) -> bool:
    if picture.jpeg and original == FULL:
        return True
    is_graphic = not picture.jpeg and image.getcolors(_MAX_GRAPHIC_COLOURS) is not None
    return is_graphic or chrominance_loss(image, original) > _VISIBLE_LOSS


def _animated(picture: Picture, animation: Animation) -> Ladder:
    """Pillow cannot write a number of repetitions: an animated AVIF repeats forever. All frames need the same mode."""
    mode = common_mode(animation)
    subsampling = _subsampling(picture, picture.image.convert(mode))
    speed = max(_ANIMATION_SPEED, _speed(picture.image, animation.count))

    def encode(quality: int, frames: int = animation.count) -> bytes:
        sequence = FrameSequence(first_frames(animation, frames), mode)
        out = io.BytesIO()
        sequence.save(
            out,
            "AVIF",
            save_all=True,
            duration=sequence.milliseconds,
            quality=quality,
            speed=speed,
            subsampling=subsampling,
            max_threads=1,
            autotiling=False,
            **picture.pillow_metadata(),
        )
        return out.getvalue()

    def encoded_bytes(frames: int, quality: int) -> int:
        return len(encode(quality, frames))

    def expected(_limit: int) -> Sequence[float]:
        return _sizes_of_rungs(predict_animation_sizes(animation.count, encoded_bytes, _RATE_MODEL))

    return Ladder(_RUNGS, encode, expected, _rung_of)
