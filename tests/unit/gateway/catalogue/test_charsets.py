"""Labels of encodings are read as browsers read them; what is accepted can be read and written without loss."""

import encodings
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue.charsets import _NAMES, ACCEPTED, codec_of, display_name


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("utf8", "utf-8"),
        ("UTF-8-SIG", "utf-8"),
        ("cp65001", "utf-8"),
        ("unicode", "utf-16-le"),
        ("latin1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("x-cp1251", "cp1251"),
        ("Windows-31J", "cp932"),
        ("x-sjis", "cp932"),
        ("Shift_JIS", "cp932"),
        ("euc-jp", "euc_jis_2004"),
        ("gb2312", "gb18030"),
        ("x-gbk", "gb18030"),
        ("cp936", "gb18030"),
        ("big5-hkscs", "big5hkscs"),
        ("cp950", "big5hkscs"),
        ("ks_c_5601-1987", "cp949"),
        ("x-mac-roman", "mac-roman"),
        ("macintosh", "mac-roman"),
        ("mac_latin2", "mac-latin2"),
        ("cp850", "cp850"),
        ("ibm866", "cp866"),
        ("dos-874", "cp874"),
        ("iso-8859-9", "cp1254"),
        ("latin2", "iso8859-2"),
        ("866", "cp866"),
        ("mac iceland", "mac-iceland"),
    ],
)
def test_a_label_names_the_encoding_that_browsers_take(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    "label",
    [
        *("", "utf-7", "utf-32", "cp037", "cp500", "hz-gb-2312", "iso-2022-kr", "iso-2022-cn", "x-user-defined"),
        *("rot13", "base64", "punycode", "idna", "unicode_escape", "undefined", "klingon", "a" * 99, "cp1251\0"),
        "\u043a\u043e\u0438-8",
    ],
)
def test_other_labels_are_refused(label: str) -> None:
    assert codec_of(label) is None


def test_unknown_labels_are_not_remembered() -> None:
    remembered = len(encodings._cache)
    assert [codec_of(f"klingon-{number}") for number in range(99)] == [None] * 99
    assert [codec_of(f"cp850{'-' * number}") for number in range(1, 9)] == ["cp850"] * 8
    assert len(encodings._cache) <= remembered + 1


def listed() -> set[str]:
    """The labels that are listed for people, with all of "cp860 to cp866"; there is no iso-8859-12."""
    labels = set[str]()
    for entry in re.split(r", | and | \(|\),?", ACCEPTED):
        first, _, last = entry.strip().partition(" to ")
        stem = first.rstrip("0123456789")
        numbers = range(int(first.removeprefix(stem)), int(last.removeprefix(stem)) + 1) if last else ()
        labels |= {f"{stem}{number}" for number in numbers} or {first}
    return labels - {"", "iso-8859-12"}


def test_the_encodings_that_are_listed_for_people_are_the_accepted_ones() -> None:
    accepted = {codec_of(label) for label in listed()}
    assert accepted | {"utf-16-be"} == set(_NAMES)  # utf-16 is of either order


def test_every_accepted_encoding_has_a_label_and_a_name() -> None:
    assert [codec for codec in _NAMES if codec_of(codec) != codec or not display_name(codec)] == []


@pytest.mark.parametrize("codec", sorted(set(_NAMES) - {"iso2022_jp"}))  # Python reads its broken escapes as text
@given(data=st.binary(max_size=60))
def test_what_is_read_can_be_written(codec: str, data: bytes) -> None:
    """The text stays the same; a few signs of Shift_JIS and Big5 have two codes, of which one is written."""
    with suppress(UnicodeDecodeError):
        text = data.decode(codec)
        assert text.encode(codec).decode(codec) == text
