"""Sharp colours of an original stay sharp: a better original does not give a worse result."""

import io

import numpy as np
import pytest
import simplejpeg
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from services.compressor.compress import compress
from services.compressor.encoders.jpeg.quantisation import quantisation_tables
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, a_picture, decoded, encoded, lettering

PICTURES = {
    "red on white": lettering("red"),
    "blue on yellow": lettering("blue", "yellow"),
    "red on blue": lettering("red", "blue"),
}
YCBCR_SUBSAMPLING = 530


def result_of(original: bytes, **options: object) -> bytes:
    data = compress(original, CompressOptions.model_validate(options), MAX_PIXELS).data
    assert data is not None
    return data


def colour_error(one: bytes, other: bytes) -> float:
    """The root mean square difference per channel, of 255."""
    pixels = [np.asarray(decoded(each).convert("RGB"), float) for each in (one, other)]
    return float(np.sqrt(np.mean((pixels[0] - pixels[1]) ** 2)))


def plain_save(original: bytes, limit: int, subsampling: str) -> bytes:
    """The best JPEG that fits, with our tables and this subsampling."""
    image = decoded(original).convert("RGB")
    saves = (
        encoded(image, "JPEG", qtables=quantisation_tables(quality), subsampling=subsampling, optimize=True, quality=-1)
        for quality in range(95, 0, -1)
    )
    return next(save for save in saves if len(save) <= limit)


@pytest.mark.parametrize("quality", [85, 90, 95, 97, 98, 99, 100])
@pytest.mark.parametrize("name", PICTURES)
def test_coloured_lettering_in_full_resolution_comes_out_sharp(name: str, quality: int) -> None:
    original = encoded(PICTURES[name], "JPEG", quality=quality, subsampling="4:4:4")

    result = result_of(original)

    assert colour_error(original, result) <= 1.2 * colour_error(
        original, plain_save(original, len(original) // 2, "4:4:4")
    )


@pytest.mark.parametrize("percent", [50, 60, 70, 80, 90])
@pytest.mark.parametrize("name", PICTURES)
def test_with_more_bytes_a_result_does_not_look_worse(name: str, percent: int) -> None:
    original = encoded(PICTURES[name], "JPEG", quality=100, subsampling="4:4:4")

    error, with_fewer = (colour_error(original, result_of(original, percent=each)) for each in (percent, percent - 10))

    assert error <= with_fewer + 0.2


@pytest.mark.parametrize("subsampling", ["422", "440", "411"])
def test_lettering_in_halved_resolution_loses_no_more_of_it(subsampling: str) -> None:
    pixels = np.ascontiguousarray(np.asarray(PICTURES["red on white"]))
    original = simplejpeg.encode_jpeg(pixels, quality=99, colorspace="RGB", colorsubsampling=subsampling)

    result = result_of(original)

    assert JpegImageFile(io.BytesIO(result)).layer[0][1:3] != (2, 2)
    assert colour_error(original, result) < 10


@pytest.mark.parametrize("mode", ["quality", "dimensions"])
@pytest.mark.parametrize("percent", [70, 95])
def test_lettering_is_sharp_in_every_mode(mode: str, percent: int) -> None:
    original = encoded(PICTURES["red on white"], "JPEG", quality=100, subsampling="4:4:4")

    result = result_of(original, mode=mode, percent=percent)

    assert JpegImageFile(io.BytesIO(result)).layer[0][1:3] == (1, 1)


def test_a_coloured_label_on_a_photograph_is_sharp_as_avif() -> None:
    picture = a_picture(size=(320, 240), noise=60)
    plain = encoded(picture, "PNG")
    picture.paste(PICTURES["red on white"].crop((0, 0, 100, 60)), (32, 32))
    labelled = encoded(picture, "PNG")

    box = (32, 32, 132, 92)
    error = colour_error(
        *(encoded(decoded(each).crop(box), "PNG") for each in (labelled, result_of(labelled, format="avif")))
    )
    assert error < 12
    assert len(result_of(plain, format="avif")) <= len(plain) // 2


def test_a_lossy_tiff_keeps_full_resolution() -> None:
    original = encoded(a_picture(noise=90), "TIFF")

    result = decoded(result_of(original, percent=20))

    assert isinstance(result, Image.Image)
    assert result.tag_v2[YCBCR_SUBSAMPLING] == (1, 1)  # type: ignore[attr-defined]
