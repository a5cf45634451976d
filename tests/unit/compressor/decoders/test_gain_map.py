"""Gain maps are found, and XMP about pictures that a result lacks is removed."""

import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compressor.decoders import has_gain_map
from services.compressor.decoders.gain_map import read_gain_map, without_announcements
from tests.support.compressing import a_picture, an_exif, encoded
from tests.support.gain_maps import ADOBE, ISO, an_ultra_hdr_jpeg, announcing_xmp, xmp_packet


@pytest.mark.parametrize("iso", [False, True])
def test_a_gain_map_behind_a_jpeg_is_found(iso: bool) -> None:
    assert has_gain_map(an_ultra_hdr_jpeg(iso=iso))


def test_apples_gain_map_is_found() -> None:
    plain = encoded(a_picture(), "JPEG")
    second = encoded(a_picture("L"), "JPEG", xmp=xmp_packet('xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/"'))

    assert has_gain_map(plain + second)


def test_a_gain_map_in_an_avif_is_found() -> None:
    avif = encoded(a_picture(), "AVIF")
    assert not has_gain_map(avif)
    assert has_gain_map(avif.replace(b"av01Color", b"tmapColor"))


def test_a_picture_without_one_has_none() -> None:
    announced = encoded(a_picture(), "JPEG", xmp=announcing_xmp(1000))
    thumbnail = encoded(a_picture(), "JPEG", exif=an_exif(1), xmp=announcing_xmp(1000))

    for data in (announced, thumbnail, encoded(a_picture(), "JPEG") * 2, encoded(a_picture(), "PNG") + ISO, b""):
        assert not has_gain_map(data)


def test_xmp_no_longer_announces_what_the_result_lacks() -> None:
    kept = 'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
    lost = "GCamera:MotionPhoto=\"1\" GCamera:MicroVideoOffset='5'"

    cleaned = without_announcements(announcing_xmp(1000, f"{kept} {lost}"))

    assert cleaned is not None
    ET.fromstring(cleaned)  # noqa: S314 - our own
    assert b'dc:format="image/jpeg"' in cleaned
    for announcement in (b"hdrgm", b"Container", b"GainMap", b"MotionPhoto", b"MicroVideo", ADOBE.encode()):
        assert announcement not in cleaned


@pytest.mark.parametrize(
    "content",
    [
        "<g:Version>1.0</g:Version><g:GainMapMax><rdf:Seq><rdf:li>1</rdf:li></rdf:Seq></g:GainMapMax><dc:a/>",
        "<g:Version/><dc:a/>",
    ],
)
def test_any_prefix_and_elements_are_removed(content: str) -> None:
    attributes = f"xmlns:g='{ADOBE}' xmlns:dc='http://purl.org/dc/elements/1.1/' g:BaseRenditionIsHDR='False'"

    cleaned = without_announcements(xmp_packet(attributes, content))

    assert cleaned == xmp_packet("xmlns:dc='http://purl.org/dc/elements/1.1/'", "<dc:a/>")


def test_xmp_that_cannot_be_cleaned_is_dropped() -> None:
    assert without_announcements(xmp_packet(f'xmlns:g="{ADOBE}"', "<g:Version>1.0")) is None


def test_hostile_xmp_takes_no_time() -> None:
    unclosed = b"<hdrgm:Gamma><rdf:Seq>" + b"<rdf:li>1</rdf:li>  " * 1000
    elements = b"<GCamera:MicroVideo>" * 20_000
    started = time.process_time()

    read_gain_map(an_ultra_hdr_jpeg(more_gains=unclosed.decode()), (320, 240), 1)
    without_announcements(elements)

    assert time.process_time() - started < 1


@given(st.text())
def test_other_xmp_stays_as_it_is(text: str) -> None:
    xmp = xmp_packet('xmlns:dc="http://purl.org/dc/elements/1.1/"', f"<dc:title>{text}</dc:title>")

    assert "GCamera" in text or without_announcements(xmp) == xmp


@given(st.binary())
def test_damaged_files_have_no_gain_map_and_raise_nothing(data: bytes) -> None:
    has_gain_map(b"\xff\xd8\xff" + data + ISO)
    has_gain_map(data)
