"""Whatever is decodable obeys the rules, whatever its format, mode, size, content and the percentage."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageChops, ImageStat

from services.compressor.compress import compress
from services.compressor.compress_error import CompressError
from services.compressor.opening.open_picture import open_picture
from tests.unit.compressor.make import MAX_PIXELS, SRGB, a_picture, an_exif, decoded, encoded

MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "I;16"),
}


@st.composite
def originals(draw: st.DrawFn) -> bytes:
    file_format = draw(st.sampled_from(sorted(MODES)))
    picture = a_picture(
        mode=draw(st.sampled_from(MODES[file_format])),
        size=(draw(st.integers(1, 90)), draw(st.integers(1, 90))),
        noise=draw(st.sampled_from((0, 10, 60, 255))),
        seed=draw(st.integers(0, 3)),
    )
    save: dict[str, Any] = {}
    if draw(st.booleans()):
        save["exif"] = an_exif(draw(st.integers(1, 8)))
    if draw(st.booleans()):
        save["icc_profile"] = SRGB
    if file_format != "PNG":
        save["quality"] = draw(st.integers(1, 100))
    return encoded(picture, file_format, **save)


@given(originals(), st.integers(1, 99))
@settings(max_examples=150, deadline=None)
def test_every_picture_obeys_the_rules(original: bytes, percent: int) -> None:
    before = open_picture(original, MAX_PIXELS)

    result = compress(original, percent, MAX_PIXELS)

    assert (result.action == "kept_original") == (result.data is None)
    assert (result.width, result.height) == before.image.size
    assert result.format == before.format
    if result.data is None:
        assert not result.target_met
        return
    assert len(result.data) < len(original)
    assert result.target_met == (len(result.data) * 100 <= len(original) * percent)
    after = decoded(result.data)
    assert after.size == before.image.size
    assert (after.format or "").lower() == before.format
    assert after.info.get("icc_profile") == before.icc_profile
    assert not after.getexif()
    if "A" in before.image.getbands():
        alpha = after.convert("RGBA").getchannel("A")
        for level in (0, 255):
            mask = before.image.getchannel("A").point(lambda value, level=level: 255 * (value == level))
            if mask.getbbox():
                assert ImageStat.Stat(alpha, mask).extrema == [(level, level)]
        if result.format == "webp":
            assert not ImageChops.difference(alpha, before.image.getchannel("A")).getbbox()


@given(originals(), st.data())
@settings(max_examples=150, deadline=None)
def test_damage_is_refused_or_survived_but_never_raises_anything_else(original: bytes, data: st.DataObject) -> None:
    damaged = bytearray(original)
    for at in data.draw(st.lists(st.integers(0, len(original) - 1), max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))

    try:
        result = compress(bytes(damaged[:cut]), 50, 1_000_000)
    except CompressError:
        return
    assert result.data is None or decoded(result.data).size == (result.width, result.height)
