"""No result carries metadata that the options remove, whatever its format, mode and action.

The originals have a secret in every place that their format has for one; the results are searched for them.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from services.compressor import rendition
from services.compressor.compress import Compressed, compress
from services.compressor.compress_error import CompressError
from services.compressor.decoders import Format, Picture, open_picture
from services.compressor.encoders import LADDERS
from services.compressor.rate_control import Ladder
from services.compressor.stripping import strip
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, MetadataPolicy
from tests.support.compressing import MAX_PIXELS, decoded
from tests.zoo.secrets import AUTHOR, NOTICE, SECRET_FILES, file_with_secrets, found_secrets

ORIENTATION, ARTIST, COPYRIGHT = 0x0112, 0x013B, 0x8298
NAMES = list(SECRET_FILES)
ANIMATED = [name for name in NAMES if "animated" in name]
WITHOUT_RIGHTS = ("gif", "bmp", "jpeg stored as RGB")
"""GIF and BMP have no place for them, and the last file has none."""

FORMATS = pytest.mark.parametrize("format_", ["keep", "jpeg", "webp", "avif", "auto"])
POLICIES = pytest.mark.parametrize("policy", ["strip", "copyright"])
MODES: dict[str, dict[str, Any]] = {
    "size": {"percent": 20},
    "size, lossless": {"percent": 90},
    "size, missed": {"percent": 1, "min_quality": 95, "allow_resize": False},
    "quality": {"percent": 95},
    "dimensions": {"percent": 60},
}


def delivered(name: str, **options: Any) -> tuple[Compressed, bytes]:
    original = file_with_secrets(name)
    result = compress(original, CompressOptions(**options), MAX_PIXELS, measure_ssim=False)
    data = original if result.data is None else result.data
    assert len(data) <= len(original)
    return result, data


def rights_in(data: bytes) -> set[str]:
    return {text for text in (AUTHOR, NOTICE) if text.encode() in data}


def assert_private(data: bytes, policy: MetadataPolicy) -> None:
    """No secrets, and EXIF with nothing but what the policy and the pixels need."""
    assert found_secrets(data) == set()
    exif = decoded(data).getexif()
    described = {tag for tag in exif if tag >= 0x8000 or tag in range(0x010D, 0x0111) or tag in range(0x0131, 0x013D)}
    assert described <= ({ARTIST, COPYRIGHT} if policy == "copyright" else set())
    assert policy == "copyright" or not rights_in(data)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_contains_its_secrets(name: str) -> None:
    """Or the other tests would prove nothing."""
    places = {"jpeg stored as RGB": 1, "bmp": 2, "tiff": 10, "gif": 9}
    fewest = next((count for start, count in places.items() if name.startswith(start)), 12)
    assert len(found_secrets(file_with_secrets(name))) >= (
        1 if "profile" in name and name.startswith("bmp") else fewest
    )


@FORMATS
@POLICIES
@pytest.mark.parametrize("name", NAMES)
def test_no_secret_survives_in_any_format_and_mode(name: str, policy: MetadataPolicy, format_: str) -> None:
    for options in MODES.values():
        result, data = delivered(name, metadata=policy, format=format_, mode=mode_of(options), **options)

        assert_private(data, policy)
        if policy == "copyright" and not name.startswith(WITHOUT_RIGHTS) and result.format not in ("gif", "bmp"):
            assert rights_in(data) >= {AUTHOR}


def mode_of(options: dict[str, Any]) -> str:
    return next(name for name, each in MODES.items() if each is options).split(",")[0]


@pytest.fixture
def useless_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoders that make no smaller file."""

    def ladder(_picture: Picture, original_bytes: int) -> Ladder:
        return Ladder((50,), lambda _rung: bytes(original_bytes + 1), lambda _limit: [1e9], lambda _quality: 50)

    monkeypatch.setattr(rendition, "LADDERS", dict.fromkeys(LADDERS, ladder))


@pytest.mark.parametrize("format_", ["keep", "jpeg", "webp", "avif"])
@POLICIES
@pytest.mark.usefixtures("useless_encoders")
@pytest.mark.parametrize("name", NAMES)
def test_a_kept_original_is_stripped_and_shows_the_same(name: str, policy: MetadataPolicy, format_: str) -> None:
    original = open_picture(file_with_secrets(name), MAX_PIXELS)

    result, data = delivered(name, metadata=policy, format=format_, mode="quality")

    assert (result.action, result.format) == ("kept_original", original.format)
    assert_private(data, policy)
    again = open_picture(data, MAX_PIXELS)
    assert again.image.tobytes() == original.image.tobytes()
    assert again.icc_profile == original.icc_profile
    assert list(frames_of(again)) == list(frames_of(original))
    if policy == "copyright" and not name.startswith(WITHOUT_RIGHTS):
        assert rights_in(data) >= {AUTHOR}


def frames_of(picture: Picture) -> Iterator[tuple[bytes, int]]:
    for frame in picture.animation.frames() if picture.animation else ():
        yield frame.image.tobytes(), frame.milliseconds


@pytest.mark.parametrize("format_", ["keep", "jpeg", "webp", "avif"])
@POLICIES
@pytest.mark.parametrize("name", ANIMATED)
def test_an_animation_above_the_limit_is_delivered_without_its_secrets(
    name: str, policy: MetadataPolicy, format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendition, "MAX_ANIMATION_PIXELS", 0)
    monkeypatch.setattr(rendition, "MAX_ANIMATION_PIXELS_IN", {})

    result, data = delivered(name, metadata=policy, format=format_)

    assert result.action == "kept_original"
    assert_private(data, policy)
    again = open_picture(data, MAX_PIXELS)
    assert list(frames_of(again)) == list(frames_of(open_picture(file_with_secrets(name), MAX_PIXELS)))


@POLICIES
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_cannot_be_stripped_is_encoded(
    name: str, policy: MetadataPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strip, "_STRIPPERS", dict.fromkeys(LADDERS, not_understood))

    result, data = delivered(name, metadata=policy, **MODES["size, missed"])

    assert result.action == "compressed"
    assert_private(data, policy)


def not_understood(_original: bytes, _kept: object) -> bytes:
    raise ValueError


@POLICIES
@pytest.mark.usefixtures("useless_encoders")
@pytest.mark.parametrize("name", ["jpeg", "avif animated"])
def test_a_file_that_can_be_neither_stripped_nor_encoded_is_not_delivered(
    name: str, policy: MetadataPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strip, "_STRIPPERS", dict.fromkeys(LADDERS, not_understood))

    with pytest.raises(CompressError) as caught:
        delivered(name, metadata=policy)

    assert caught.value.code is ErrorCode.DECODE_ERROR


@pytest.mark.usefixtures("useless_encoders")
@pytest.mark.parametrize("name", NAMES)
def test_an_original_whose_metadata_is_kept_is_delivered_unchanged(name: str) -> None:
    result, data = delivered(name, metadata="keep", mode="quality")

    assert (result.action, result.data, data) == ("kept_original", None, file_with_secrets(name))


@pytest.mark.parametrize("format_", sorted(LADDERS))
def test_every_format_has_a_file_with_secrets_and_can_be_stripped(format_: Format) -> None:
    assert format_ in {name.split()[0] for name in NAMES}
    assert format_ in strip._STRIPPERS
