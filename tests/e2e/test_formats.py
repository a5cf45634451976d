"""Every kind of picture, into each format, through the running stack."""

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.support.delivered_files import WITHOUT_QUALITY, Delivered, compressed, fetched, run
from tests.support.origin import Origin
from tests.support.photos import HEIGHT, WIDTH, own_format, photos
from tests.support.request_invariants import check_events
from tests.support.stack import StackClient
from tests.support.subscriber import Subscriber
from tests.zoo import BROKEN, UNSUPPORTED, Specimen, specimen

KINDS = (
    "jpeg",
    "jpeg progressive",
    "jpeg grey",
    "jpeg CMYK",
    "jpeg CMYK with a profile",
    "jpeg YCCK",
    "jpeg multi-picture (MPO)",
    "jpeg wide gamut",
    "jpeg orientation 6",
    "png grey 1 bit",
    "png grey 16 bit",
    "png colour 8 bit",
    "png colour 16 bit",
    "png colour and alpha 8 bit",
    "png palette 2 bit",
    "png palette 8 bit with alpha",
    "png orientation 6",
    "png animated",
    "webp",
    "webp lossless",
    "webp with alpha",
    "webp animated",
    "gif",
    "gif with transparency",
    "gif animated three times",
    "gif animated with partial frames",
    "avif",
    "avif with alpha",
    "avif orientation 6",
    "avif animated",
    "tiff",
    "tiff lzw",
    "tiff jpeg",
    "tiff 16 bit",
    "tiff CMYK with a profile",
    "bmp",
    "bmp 8 bit",
    "bmp run-length encoded",
)
ALPHA, ANIMATED = "png colour and alpha 8 bit", "gif animated for ever"
_LOOKS_ALIKE = 10
"""Of 255, on average over a picture."""

# Damaged pictures, and what the report must contain for each. The downloader already refuses files that are no images.
REFUSED = {
    "page.jpg": ("not_an_image", "an HTML page"),
    "empty file": ("not_an_image", "empty"),
    "pdf": ("not_an_image", "a PDF document"),
    "heic": ("unsupported_format", "a HEIC image"),
    "photoshop": ("unsupported_format", "a Photoshop document"),
    "svg": ("unsupported_format", "an SVG image"),
    "piece of a jpeg": ("decode_error", "JPEG"),
    "piece of a png": ("decode_error", "PNG"),
    "piece of a gif": ("decode_error", "GIF"),
    "jpeg with zeroed bytes": ("decode_error", "JPEG"),
    "png with missing rows": ("decode_error", "PNG"),
    "webp truncated": ("decode_error", "WebP"),
    "avif truncated": ("decode_error", "AVIF"),
    "bmp truncated": ("decode_error", "BMP"),
    "tiff with a missing strip": ("decode_error", "TIFF"),
}


async def test_every_kind_keeps_its_format_and_appearance(
    client: StackClient, origin: Origin, subscriber: Subscriber
) -> None:
    zoo = {name: specimen(name) for name in KINDS}
    files = {name: kind.data for name, kind in zoo.items()}
    request_id, lines = await run(client, origin, files)
    got = await fetched(client, files, lines)
    assert set(got) == set(zoo), lines
    for name, one in got.items():
        one.check(50)
        assert one.line["Format"] == zoo[name].format, name
        check_looks(name, one, zoo[name])
    await check_events(subscriber, request_id, compressed=len(zoo), failed=0)
    published = [
        event["data"] for event in subscriber.about(request_id).values() if event["type"] == "image.compressed"
    ]
    by_url = {data["input_url"]: data for data in published}
    for one in got.values():
        one.check_event(by_url[one.line["Input Image Url"]])


def check_looks(name: str, one: Delivered, kind: Specimen) -> None:
    picture = one.picture.resize(kind.shown.size)
    assert one.alpha == kind.alpha, name
    if kind.profiled:
        with Image.open(io.BytesIO(one.data)) as file:
            assert file.info.get("icc_profile"), f"{name} lost its profile"
    else:
        assert difference(picture, kind.shown) <= kind.tolerance + _LOOKS_ALIKE, name
    assert timing(one.data) == timing(one.original), name


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of the channels, composed over white, of 255."""
    both = (Image.alpha_composite(Image.new("RGBA", one.size, "white"), each.convert("RGBA")) for each in (one, other))
    return max(ImageStat.Stat(ImageChops.difference(*both).convert("RGB")).mean)


def timing(data: bytes) -> tuple[object, list[object]]:
    """The loop count, and each frame's duration."""
    with Image.open(io.BytesIO(data)) as file:
        durations = []
        for frame in range(getattr(file, "n_frames", 1) if file.format in {"PNG", "WEBP", "GIF", "AVIF"} else 1):
            file.seek(frame)
            file.load()
            durations.append(file.info.get("duration") or 0)
        return file.info.get("loop"), durations


async def test_a_damaged_picture_fails_and_the_report_describes_it(
    client: StackClient, origin: Origin, subscriber: Subscriber
) -> None:
    sound = photos()
    pieces = {f"piece of a {kind}": sound[f"{kind}.jpg"][:3000] for kind in ("jpeg", "png", "gif")}
    files = {"sound": sound["jpeg.jpg"], **pieces}
    files |= {name: UNSUPPORTED[name][0] if name in UNSUPPORTED else BROKEN[name]() for name in REFUSED.keys() - pieces}
    request_id, lines = await run(client, origin, files)
    assert lines["sound"]["State"] == "compressed", "damaged pictures do not affect the others"
    for name, (code, what) in REFUSED.items():
        line = lines[name]
        assert (line["State"], line["Error Code"], line["Attempts"]) == ("failed", code, "1"), (name, line)
        assert what.lower() in line["Error Detail"].lower(), (name, line)
        assert line["Bytes Out"] == line["Output Image Url"] == ""
    await check_events(subscriber, request_id, compressed=1, failed=len(REFUSED))


async def test_half_the_bytes(client: StackClient, origin: Origin) -> None:
    """The extension is ignored: all are named .jpg."""
    for name, one in (await compressed(client, origin, photos())).items():
        one.check(50)
        assert one.line["Format"] == own_format(name)
        assert one.line["Target Met"] == "yes", one.line
        assert one.size == (WIDTH, HEIGHT), "none had to be scaled"
        assert one.line["Quality"] or own_format(name) in WITHOUT_QUALITY, one.line


@pytest.mark.parametrize("wanted", ["jpeg", "webp", "avif"])
async def test_a_format(client: StackClient, origin: Origin, wanted: str) -> None:
    """A limit of the dimensions keeps the aspect ratio."""
    files = {**photos(), ALPHA: specimen(ALPHA).data, ANIMATED: specimen(ANIMATED).data}
    got = await compressed(client, origin, files, format=wanted, max_width="100", max_height="300")
    for name, one in got.items():
        one.check(50)
        assert one.line["Format"] == wanted
        assert one.size == ((100, 75) if name in photos() else specimen(name).shown.size), name
        if name not in photos():
            assert difference(one.picture, specimen(name).shown) <= _LOOKS_ALIKE, name
    assert got[ALPHA].alpha == (wanted != "jpeg")
    frames = len(timing(got[ANIMATED].data)[1])
    assert frames == (1 if wanted == "jpeg" else len(specimen(ANIMATED).milliseconds))


async def test_auto_chooses_the_smallest_format_that_browsers_show(client: StackClient, origin: Origin) -> None:
    files = {**photos(), ALPHA: specimen(ALPHA).data, ANIMATED: specimen(ANIMATED).data}
    got = await compressed(client, origin, files, format="auto")
    for one in got.values():
        one.check(50)
        assert one.line["Target Met"] == "yes", one.line
        assert one.line["Format"] not in {"tiff", "bmp"}
    assert got[ALPHA].alpha
    assert len(timing(got[ANIMATED].data)[1]) == len(specimen(ANIMATED).milliseconds)
    assert {one.line["Format"] for one in got.values()} & {"webp", "avif"}, "a smaller format is found"
