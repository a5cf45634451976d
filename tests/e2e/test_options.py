"""The compression options besides the format: mode, limits, metadata."""

import io

import pytest
from PIL import ExifTags, Image

from tests.support.delivered_files import WITHOUT_QUALITY, compressed
from tests.support.origin import Origin
from tests.support.photos import HEIGHT, WIDTH, own_format, photos
from tests.support.pictures import a_photo
from tests.support.stack import StackClient

ARTIST, CAMERA = "A. Photographer", "Camera 1"


async def test_quality(client: StackClient, origin: Origin) -> None:
    for name, one in (await compressed(client, origin, photos(), mode="quality", percent="60")).items():
        one.check(None)
        assert (one.line["Format"], one.size) == (own_format(name), (WIDTH, HEIGHT))
        assert one.line["Encodes"] == "1", one.line
        assert one.line["Quality"] == ("" if own_format(name) in WITHOUT_QUALITY else "60"), one.line


async def test_dimensions(client: StackClient, origin: Origin) -> None:
    for name, one in (await compressed(client, origin, photos(), mode="dimensions", percent="40")).items():
        one.check(None)
        assert (one.line["Format"], one.size) == (own_format(name), (WIDTH * 2 // 5, HEIGHT * 2 // 5))


async def test_min_quality_without_scaling(client: StackClient, origin: Origin) -> None:
    """A target that cannot be met is reported; the result has min_quality and the original's dimensions.

    Not 60: AVIF encodes 60 as 61, and the report says 61.
    """
    files = {name: data for name, data in photos().items() if own_format(name) not in WITHOUT_QUALITY}
    got = await compressed(client, origin, files, percent="3", min_quality="61", allow_resize="false")
    for one in got.values():
        one.check(3)
        assert (one.line["Target Met"], one.line["Quality"], one.size) == ("no", "61", (WIDTH, HEIGHT)), one.line


async def test_a_picture_that_does_not_fit_at_min_quality_is_scaled(client: StackClient, origin: Origin) -> None:
    files = {name: photos()[name] for name in ("jpeg.jpg", "webp.jpg")}
    for one in (await compressed(client, origin, files, percent="5", min_quality="60")).values():
        one.check(5)
        assert one.line["Target Met"] == "yes", one.line
        assert one.size < (WIDTH, HEIGHT)
        assert one.size[0] / one.size[1] == pytest.approx(WIDTH / HEIGHT, rel=0.05)
        assert int(one.line["Quality"]) >= 60


@pytest.mark.parametrize(
    ("policy", "artist", "camera", "place"),
    [("strip", None, None, False), ("copyright", ARTIST, None, False), ("keep", ARTIST, CAMERA, True)],
)
async def test_metadata(
    client: StackClient, origin: Origin, policy: str, artist: str | None, camera: str | None, *, place: bool
) -> None:
    """The same for each format with metadata. The orientation is removed, and applied where browsers apply it."""
    files = {kind: a_photo(9, WIDTH, HEIGHT, kind, exif=noted()) for kind in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF")}
    for one in (await compressed(client, origin, files, metadata=policy)).values():
        one.check(50)
        assert one.size == ((WIDTH, HEIGHT) if one.line["Format"] == "webp" else (HEIGHT, WIDTH))
        with Image.open(io.BytesIO(one.data)) as file:
            exif = file.getexif()
        assert ExifTags.Base.Orientation not in exif
        assert (exif.get(ExifTags.Base.Artist), exif.get(ExifTags.Base.Model)) == (artist, camera), one.line
        assert bool(exif.get_ifd(ExifTags.IFD.GPSInfo)) == place


def noted() -> bytes:
    """EXIF of a picture that is rotated by 90 degrees."""
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = ARTIST
    exif[ExifTags.Base.Model] = CAMERA
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return exif.tobytes()
