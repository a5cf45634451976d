"""An encoding is guessed from the names of products in many languages; damaged UTF-8 is distinguished from them."""

import random
import time

import pytest

from services.gateway.catalogue.charset_guess import guess_encoding, guess_utf16, is_damaged_utf8, sample_of
from tests.catalogues.encodings import NAMES, WRITTEN, catalogue
from tests.catalogues.reading import pieces

SEVEN_BIT = "iso2022_jp"
PAIRS = [(language, written) for language, written, _ in WRITTEN if written != SEVEN_BIT]


def guessed(text: str, encoding: str) -> str:
    data = text.encode(encoding)
    return data.decode(guess_encoding(sample_of([data])), "replace")


@pytest.mark.parametrize(("language", "written"), PAIRS)
def test_names_among_thousands_of_ascii_are_read(language: str, written: str) -> None:
    """Statistics over the whole text would only see English."""
    ascii_rows = catalogue(("Lamp",) * 500)
    text = ascii_rows + catalogue(NAMES[language]) + ascii_rows
    assert guessed(text, written) == text


@pytest.mark.parametrize("language", ["French", "German", "Portuguese", "Spanish"])
def test_a_single_western_name_is_read_as_windows_1252(language: str) -> None:
    """Most files with few letters beyond ASCII are; statistics take some words for MacRoman."""
    for name in NAMES[language]:
        assert guessed(catalogue((name,)), "cp1252") == catalogue((name,))


@pytest.mark.parametrize("name", ["St\u00f3\u0142", "Bia\u0142y kubek", "Rega\u0142 na ksi\u0105\u017cki"])
def test_signs_inside_a_word_are_letters_of_windows_1250(name: str) -> None:
    assert guessed(catalogue((name,)), "cp1250") == catalogue((name,))


def test_typographic_signs_alone_are_read_as_windows_1252() -> None:
    text = catalogue(("\u2013 \u201cOak\u201d 5\u20ac \u2022 l\u2019\u00e9t\u00e9\u2026",))
    assert guessed(text, "cp1252") == text


@pytest.mark.parametrize(("language", "written"), [*PAIRS, ("Japanese", SEVEN_BIT)])
def test_a_text_in_another_encoding_is_not_called_damaged_utf_8(language: str, written: str) -> None:
    for names in (NAMES[language], NAMES[language][:1]):
        sample = sample_of([catalogue(names).encode(written)])
        assert not is_damaged_utf8(sample)


@pytest.mark.parametrize("language", [language for language in NAMES if language not in {"French", "German"}])
def test_utf_8_with_a_damaged_byte_is_distinguished_from_other_encodings(language: str) -> None:
    data = bytearray(catalogue(NAMES[language]).encode())
    places = [place for place, byte in enumerate(data) if byte >= 0x80]
    data[random.Random(7).choice(places)] = 0xFF  # noqa: S311 - repeatable
    sample = sample_of([bytes(data)])
    assert is_damaged_utf8(sample)


@pytest.mark.parametrize(
    "name",
    [
        *("\u201eSpa\u00df\u201c", "\u201eMEN\u00dc\u201c", "CAF\u00c9\u00ae", "GR\u00dc\u2122"),
        *("\u00ab CAF\u00c9\u00bb", "\u00ab\u00a0d\u00e9j\u00e0\u00a0\u00bb", "\u00ab\u00a0dor\u00e9\u00a0\u00bb"),
    ],
)
def test_letters_before_signs_of_windows_1252_are_not_called_utf_8(name: str) -> None:
    for names in ((name,), ("\u00d6l f\u00fcr St\u00fchle", "B\u00fccherregal wei\u00df", name)):
        assert not is_damaged_utf8(sample_of([catalogue(names).encode("cp1252")]))


def test_a_row_of_utf_8_does_not_make_a_western_file_iso_8859_15() -> None:
    western = catalogue(("\u00d6l f\u00fcr St\u00fchle wei\u00df",) * 30).encode("cp1252")
    assert guess_encoding(sample_of([western + b"99,F\xc3\xbcr,https://a.example/99.jpg\n"])) == "cp1252"
    of_latin_9 = catalogue(("Preis 5\u20ac", "c\u0153ur", "\u0152uf") * 9)
    assert guessed(of_latin_9, "iso8859-15") == of_latin_9


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("size", [1, 5, 1 << 20])
def test_a_sample_has_the_lines_beyond_ascii_however_the_file_is_cut(line_end: bytes, size: int) -> None:
    data = line_end.join([b"a", b"b\xe9", b"c", b"", b"\xe9d"])
    assert sample_of(pieces(data, size)) == b"b\xe9\n\xe9d"


def test_a_sample_is_bounded() -> None:
    assert len(sample_of([b"1,caf\xe9\n" * 100_000])) < 70_000
    assert len(sample_of([b"x" * 100_000 + b"\xe9" + b"y" * 9_000] * 3)) < 5_000


def test_noise_is_guessed_in_a_moment() -> None:
    noise = random.Random(1).randbytes(1 << 20)  # noqa: S311 - repeatable
    started_at = time.process_time()
    guess_encoding(sample_of([noise]))
    assert time.process_time() - started_at < 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", NAMES)
def test_utf_16_without_a_mark_is_found_by_its_ascii_characters(language: str, encoding: str) -> None:
    text = catalogue(NAMES[language]).replace("Product Name", NAMES[language][0])
    assert guess_utf16(text.encode(encoding)[:4096]) == encoding


@pytest.mark.parametrize("data", [b"", b"a\0", b"\0" * 100, b"S. No.,Na\0me,Image Urls\n1,\0a,b\n", "字".encode() * 9])
def test_a_few_zeros_are_not_utf_16(data: bytes) -> None:
    assert guess_utf16(data) is None
