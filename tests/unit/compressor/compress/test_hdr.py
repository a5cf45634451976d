"""Pictures of high dynamic range: carried by the formats that can, tone-mapped for the others, never flat and grey."""

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.compressor.auto_format import smallest_rendition
from services.compressor.compress import Compressed, compress
from services.compressor.decoders import Hdr, open_picture, to_srgb
from services.compressor.decoders.tone_mapping import to_sdr
from services.compressor.encoders import LADDERS
from services.compressor.rendition import Renderer
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, encoded
from tests.support.hdr_pictures import (
    BT2020,
    HLG,
    NITS,
    PQ,
    a_scene,
    an_hdr_avif,
    an_hdr_png,
    an_hdr_profile,
)

ONE_ENCODE = {"percent": 75, "mode": "quality"}
TRANSFERS = [PQ, HLG]


def compressed(original: bytes, **options: Any) -> Compressed:
    return compress(original, CompressOptions(**options), MAX_PIXELS)


def shown(data: bytes) -> Image.Image:
    """On a usual screen."""
    picture = open_picture(data, MAX_PIXELS).tone_mapped()
    return to_srgb(picture.image, picture.icc_profile).convert("RGB")


def assert_alike(result: Compressed, original: bytes) -> None:
    assert result.data is not None
    before = shown(original).resize((result.width, result.height))
    assert np.abs(np.asarray(shown(result.data)).astype(int) - np.asarray(before)).mean() < 6


@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("format_", ["jpeg", "webp"])
@pytest.mark.parametrize("make", [an_hdr_png, an_hdr_avif])
def test_a_format_without_hdr_gets_the_tone_mapped_picture(make: Any, format_: str, transfer: int) -> None:
    original = make(a_scene(), transfer)

    result = compressed(original, format=format_, **ONE_ENCODE)

    assert_alike(result, original)
    assert result.data is not None
    written = open_picture(result.data, MAX_PIXELS)
    assert (written.hdr, written.icc_profile) == (None, None)
    assert result.ssim is not None
    assert result.ssim > 0.9


@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("peak", [None, 400])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_an_avif_stays_one_of_high_dynamic_range(mode: str, peak: int | None, transfer: int) -> None:
    original = an_hdr_avif(a_scene().convert(mode), transfer, peak=peak)

    result = compressed(original, min_quality=1)

    assert_alike(result, original)
    assert result.data is not None
    assert open_picture(result.data, MAX_PIXELS).hdr == Hdr(BT2020, transfer, peak)
    assert result.target_met
    assert result.ssim is not None


def test_a_png_keeps_its_chunks_about_light() -> None:
    light = ((b"mDCV", bytes(16) + struct.pack(">II", 4000 * NITS, 1)), (b"cLLI", struct.pack(">II", 400 * NITS, 0)))
    original = an_hdr_png(a_scene(), light=light)

    result = compressed(original, **ONE_ENCODE)

    assert result.data is not None
    picture = open_picture(result.data, MAX_PIXELS)
    assert picture.hdr == Hdr(BT2020, PQ, 400)
    assert dict(picture.colour_chunks).keys() == {b"cICP", b"mDCV", b"cLLI"}


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_png_as_avif_stays_one_of_high_dynamic_range(transfer: int) -> None:
    original = an_hdr_png(a_scene(), transfer)

    result = compressed(original, format="avif", mode="quality", percent=80)

    assert_alike(result, original)
    assert result.data is not None
    assert open_picture(result.data, MAX_PIXELS).hdr == Hdr(BT2020, transfer)


@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("make", [an_hdr_png, an_hdr_avif])
def test_auto_does_not_choose_a_format_that_loses_it(make: Any, transfer: int) -> None:
    original = make(a_scene(), transfer)

    result = compressed(original, format="auto")

    assert result.format in {"png", "avif"}
    assert open_picture(result.data or original, MAX_PIXELS).hdr == Hdr(BT2020, transfer)


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "PNG", "AVIF", "TIFF"])
def test_a_profile_of_high_dynamic_range_is_kept_in_every_format_that_contains_profiles(file_format: str) -> None:
    original = encoded(a_scene(), file_format, icc_profile=an_hdr_profile())

    for format_ in ("keep", "jpeg", "webp", "avif"):
        result = compressed(original, format=format_, mode="quality", percent=50)

        assert open_picture(result.data or original, MAX_PIXELS).icc_profile == an_hdr_profile()


@pytest.mark.parametrize("format_", ["gif", "bmp"])
def test_a_format_without_profiles_gets_the_tone_mapped_picture(format_: Any) -> None:
    opened = open_picture(encoded(a_scene(), "PNG", icc_profile=an_hdr_profile()), MAX_PIXELS)

    rendition = Renderer(opened, bytes(10**6), CompressOptions()).encode(format_)

    assert rendition.picture.hdr is None
    wanted = np.asarray(to_sdr(a_scene(), Hdr(BT2020, PQ))).astype(int)
    assert np.abs(np.asarray(shown(rendition.data)) - wanted).mean() < 3


def test_an_animated_avif_is_tone_mapped() -> None:
    """Its colour space is written in more places than one."""
    frames = [a_scene(), a_scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    avif = encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:], duration=100, quality=95)
    original = avif.replace(b"colrnclx\0\1\0\x0d", b"colrnclx" + bytes((0, BT2020, 0, PQ)))
    assert open_picture(original, MAX_PIXELS).hdr

    for format_ in ("keep", "webp", "auto"):
        result = compressed(original, format=format_, mode="quality", percent=60)

        assert_alike(result, original)
        assert result.data is not None
        animation = open_picture(result.data, MAX_PIXELS).animation
        assert animation is not None
        for frame, before in zip(animation.frames(), frames, strict=True):
            wanted = np.asarray(to_sdr(before, Hdr(BT2020, PQ))).astype(int)
            assert np.abs(np.asarray(frame.image.convert("RGB")) - wanted).mean() < 6


def test_scaling_keeps_it() -> None:
    original = an_hdr_avif(a_scene(), peak=500)

    for options in ({"mode": "dimensions", "percent": 50}, {"max_width": 40}):
        result = compressed(original, **options)

        assert open_picture(result.data or b"", MAX_PIXELS).hdr == Hdr(BT2020, PQ, 500)
        assert_alike(result, original)


def test_every_format_is_asked_whether_it_holds_the_picture() -> None:
    opened = open_picture(an_hdr_png(a_scene()), MAX_PIXELS)

    renderer = Renderer(opened, bytes(10**6), CompressOptions())

    kept = {format_ for format_ in LADDERS if renderer.encode(format_).picture.hdr}
    assert kept == {"png", "avif"}
    assert smallest_rendition(renderer).picture.hdr
