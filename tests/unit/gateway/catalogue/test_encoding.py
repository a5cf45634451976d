"""The byte order mark decides a file's encoding, then the option, the declared charset, and detection."""

import codecs
from collections.abc import Iterator
from functools import partial

import pytest

from services.gateway.catalogue.decoding import decode
from services.gateway.catalogue.encoding import GivenEncoding, TextEncoding, find_encoding
from services.gateway.catalogue.findings import CatalogueRefused
from services.gateway.catalogue.text import Unreadable
from tests.catalogues.encodings import NAMES, catalogue
from tests.catalogues.reading import inspected, pieces

RUSSIAN, GERMAN, JAPANESE = (catalogue(NAMES[language]) for language in ("Russian", "German", "Japanese"))


def found(data: bytes, option: str | None = None, declared: str | None = None) -> TextEncoding:
    return find_encoding(partial(pieces, data, 7), GivenEncoding(option, declared))


def problems(encoding: TextEncoding) -> str:
    return "; ".join(warning.problem for warning in encoding.warnings)


@pytest.mark.parametrize("label", ["koi8-r", "KOI8-R", '"koi8-r"', "cskoi8r", "koi8_r"])
def test_the_declared_charset_is_honoured(label: str) -> None:
    assert found(RUSSIAN.encode("koi8-r"), declared=label) == TextEncoding("koi8-r", bom=False)


def test_the_option_has_precedence_over_the_declared_charset() -> None:
    data = "No,Name,Image Urls\n1,\u017b,x\n".encode("cp1250")
    assert found(data, option="windows-1250", declared="iso-8859-1") == TextEncoding("cp1250", bom=False)


@pytest.mark.parametrize("given", [GivenEncoding(option="cp1251"), GivenEncoding(declared="cp1251")])
def test_a_byte_order_mark_has_precedence_and_a_contradiction_is_a_warning(given: GivenEncoding) -> None:
    encoding = find_encoding(lambda: [RUSSIAN.encode("utf-8-sig")], given)
    assert (encoding.name, encoding.bom) == ("utf-8", True)
    assert problems(encoding) == "the file has the byte order mark of UTF-8; it was not read as Windows-1251"


@pytest.mark.parametrize("label", ["utf-16", "utf-16le", "UTF-16BE"])
def test_utf_16_of_either_order_is_no_contradiction(label: str) -> None:
    for data, name, bom in (
        (codecs.BOM_UTF16_BE + RUSSIAN.encode("utf-16-be"), "utf-16-be", True),
        (RUSSIAN.encode("utf-16-le"), "utf-16-le", False),
    ):
        assert found(data, declared=label) == TextEncoding(name, bom)
        assert found(data, option=label) == TextEncoding(name, bom)


def test_bytes_that_contradict_the_declared_charset_are_detected_with_a_warning() -> None:
    encoding = found(RUSSIAN.encode("cp1251"), declared="shift_jis")
    assert encoding.name == "cp1251"
    assert "not Shift_JIS text, as its Content-Type says" in problems(encoding)
    assert "read as Windows-1251" in problems(encoding)


@pytest.mark.parametrize("label", ["windows-1251", "koi8-r", "windows-1250", "gbk", "macintosh"])
def test_letters_in_utf_8_outweigh_any_declared_charset(label: str) -> None:
    """Programs declare the charset of their system, whatever they send."""
    encoding = found(RUSSIAN.encode(), declared=label)
    assert encoding.name == "utf-8"
    [warning] = encoding.warnings
    assert "as its Content-Type says; its encoding was detected" in warning.problem


@pytest.mark.parametrize("label", ["utf-16", "utf-16be"])
def test_ascii_is_not_read_as_utf_16_because_that_is_declared(label: str) -> None:
    encoding = found(b"No,Name,Image Urls\n1,Lamp,https://a.example/1.jpg\n", declared=label)
    assert encoding.name == "utf-8"
    assert problems(encoding) == "the file is not UTF-16 text, as its Content-Type says; its encoding was detected"


@pytest.mark.parametrize("label", ["iso-8859-1", "us-ascii", "windows-1252"])
def test_letters_that_do_not_look_western_are_a_warning_where_that_is_declared(label: str) -> None:
    encoding = found(RUSSIAN.encode("cp1251"), declared=label)
    assert encoding.name == "cp1252"
    [warning] = encoding.warnings
    assert "its letters look like Windows-1251" in warning.problem


def test_a_file_declared_as_utf_8_that_is_not_is_detected_with_a_warning() -> None:
    encoding = found(RUSSIAN.encode("cp1251"), declared="utf-8")
    assert encoding.name == "cp1251"
    assert "is not UTF-8: byte 40 is 0xC4; it was read as Windows-1251" in problems(encoding)


def test_latin_1_is_declared_by_default_so_letters_in_utf_8_outweigh_it() -> None:
    encoding = found(GERMAN.encode(), declared="ISO-8859-1")
    assert encoding.name == "utf-8"
    assert "not Windows-1252 text" in problems(encoding)
    assert found(GERMAN.encode("cp1252"), declared="iso-8859-1") == TextEncoding("cp1252", bom=False)


def test_an_unknown_charset_is_a_warning() -> None:
    encoding = found(GERMAN.encode(), declared="utf-9")
    assert encoding.name == "utf-8"
    assert 'not known, "utf-9"' in problems(encoding)


def test_a_wrong_option_is_an_error_at_the_first_invalid_byte_that_names_the_option() -> None:
    with pytest.raises(CatalogueRefused) as refused:
        inspected(RUSSIAN.encode("cp1251"), encoding="utf-8")
    (finding,) = refused.value.findings
    assert (finding.problem, finding.line) == ("the file is not UTF-8 text: byte 40 is 0xC4", 2)
    assert "option encoding" in finding.advice


def test_a_wrong_guess_can_be_corrected_by_the_option() -> None:
    data = "No,Name,Image Urls\n1,\u017b\u00f3\u0142w,https://a.example/1.jpg\n".encode("mac-latin2")
    guess = inspected(data)
    assert guess.catalogue_format.dialect.encoding != "mac-latin2"
    assert any("it was read as" in finding.problem and "encoding=" in finding.advice for finding in guess.findings)
    corrected = inspected(data, encoding="mac-latin2")
    assert (corrected.catalogue_format.dialect.encoding, corrected.findings) == ("mac-latin2", ())


def test_a_file_of_gigabytes_is_sampled() -> None:
    """The letters are at its beginning, and the sample ends with them."""
    passes: list[int] = []

    def large() -> Iterator[bytes]:
        passes.append(0)
        for data in (JAPANESE.encode("cp932") * 400, *(b"1,Lamp,https://a.example/1.jpg\r\n" * 1000,) * 30):
            passes[-1] += len(data)
            yield data

    assert find_encoding(large, GivenEncoding()).name == "cp932"
    assert max(passes) < 200_000


def test_letters_after_megabytes_of_ascii_are_found() -> None:
    data = b"1,Lamp,https://a.example/1.jpg\r\n" * 20_000 + RUSSIAN.encode("cp1251")
    assert find_encoding(partial(pieces, data, 1 << 16), GivenEncoding()).name == "cp1251"


def test_an_escape_without_an_end_is_refused() -> None:
    data = "No,Name,Image Urls\n1,\u5b57".encode("iso2022_jp") + b"\x1b(5.jpg\r\n"
    for given in (GivenEncoding(option="iso-2022-jp"), GivenEncoding(declared="iso-2022-jp")):
        encoding = find_encoding(lambda: [data], given)
        with pytest.raises(Unreadable, match="is not ISO-2022-JP text"):
            list(decode([data], encoding.name, bom=False))


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_a_position_is_right_in_encodings_of_several_bytes(size: int) -> None:
    data = "No,名前\n表,".encode("cp932")
    with pytest.raises(Unreadable, match=f"Shift_JIS text: byte {len(data)} is 0x81"):
        list(decode(pieces(data + b"\x81\xff", size), "cp932", bom=False))
    with pytest.raises(Unreadable, match=f"byte {len(data)} is zero"):
        list(decode(pieces(data + b"\0", size), "cp932", bom=False))
