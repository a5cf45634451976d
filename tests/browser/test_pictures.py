"""What the browser shows of a result is what it shows of the original, for every kind of picture."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from services.compressor.compress import compress
from shared.contracts.messages import CompressOptions
from tests.oracle import BrowserOracle, NotShown, Shown, compare, turned
from tests.zoo import NAMES, specimen

_MOST_PIXELS = 1_000_000
_MILLISECONDS = 10  # GIF counts hundredths of a second


@dataclass(frozen=True, slots=True)
class Tolerance:
    """In CIEDE2000: the mean over the picture, and the shift of a tile's colour where it is largest."""

    mean: float
    shift: float


# Pictures of 64 x 48 pixels have few bytes to lose, so that half of them shows.
HALF_THE_BYTES = {
    "jpeg": Tolerance(2.5, 3.5),
    "png": Tolerance(3.5, 3.5),
    "webp": Tolerance(3.5, 4.5),
    "gif": Tolerance(0.1, 0.1),
    "avif": Tolerance(2.0, 3.5),
    "bmp": Tolerance(4.0, 7.0),  # fewer colours, or scaled down
}
FINE_WEBP = Tolerance(2.5, 2.5)
ALPHA = 0.03
# Chromium converts CMYK without its profile. We apply it, as image editors and printers do.
WITHOUT_ITS_PROFILE = {"jpeg CMYK with a profile"}
# Chromium leaves out the rows for which it waits.
NOT_WHOLE = {"jpeg with oddity: no end marker"}


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserOracle]:
    with BrowserOracle(tmp_path_factory.mktemp("oracle")) as running:
        yield running


def expected(kind: str, oracle: BrowserOracle) -> Shown:
    """What the browser shows of the original, or what it would show if it read all of it."""
    original = specimen(kind)
    if kind in WITHOUT_ITS_PROFILE | NOT_WHOLE or original.format == "tiff":
        pixels = np.asarray(original.shown.convert("RGBA"))
        return Shown(pixels.shape[1], pixels.shape[0], pixels)
    return oracle.shown(original.data)


def check(kind: str, options: CompressOptions, tolerance: Tolerance, oracle: BrowserOracle) -> None:
    result = compress(specimen(kind).data, options, _MOST_PIXELS, measure_ssim=False)
    if result.data is None:
        return  # the original itself
    before, after = expected(kind, oracle), oracle.shown(result.data)
    assert (after.width, after.height) == (result.width, result.height)
    assert (before.width, before.height) == (result.original_width, result.original_height)
    difference = compare(before.pixels, after.pixels)
    assert difference.mean <= tolerance.mean, difference
    assert difference.shift <= tolerance.shift, difference
    assert difference.alpha <= ALPHA, difference
    assert not turned(before.pixels, after.pixels)
    if before.milliseconds:
        assert sum(after.milliseconds) == pytest.approx(sum(before.milliseconds), abs=_MILLISECONDS)
        assert after.plays == before.plays


@pytest.mark.parametrize("kind", [name for name in NAMES if specimen(name).format != "tiff"])
def test_a_result_of_half_the_bytes_looks_like_its_original(kind: str, oracle: BrowserOracle) -> None:
    check(kind, CompressOptions(), HALF_THE_BYTES[specimen(kind).format], oracle)


@pytest.mark.parametrize("kind", NAMES)
def test_a_webp_looks_like_its_original_in_any_format(kind: str, oracle: BrowserOracle) -> None:
    check(kind, CompressOptions(mode="quality", percent=90, format="webp"), FINE_WEBP, oracle)


def test_the_browser_notices_another_colour_another_turn_and_lost_transparency(oracle: BrowserOracle) -> None:
    opaque, clear = (
        oracle.shown(specimen(kind).data).pixels for kind in ("png colour 8 bit", "png grey and alpha 8 bit")
    )

    assert compare(opaque, opaque[..., [2, 1, 0, 3]]).mean > 10
    assert turned(opaque, np.ascontiguousarray(np.rot90(opaque)))
    assert not turned(opaque, opaque)
    assert compare(clear, opaque).alpha > 0.4


def test_what_is_no_picture_is_not_shown(oracle: BrowserOracle) -> None:
    with pytest.raises(NotShown):
        oracle.shown(b"<p>a page</p>")
