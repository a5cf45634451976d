"""Decides the encoding of an upload: byte order mark, option, declared charset, UTF-8, guess. Pure, streaming."""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from services.gateway.catalogue.charset_guess import guess_encoding, guess_utf16, is_damaged_utf8, sample_of
from services.gateway.catalogue.charsets import UTF8, UTF16_BE, UTF16_LE, WESTERN, codec_of, display_name
from services.gateway.catalogue.decoding import SAVE_AS, Chunks, Scan, byte_at, line_of, scan
from services.gateway.catalogue.findings import Finding, shorten
from services.gateway.catalogue.text import Unreadable
from shared.file_types import (
    GIF,
    GZIP,
    OLE,
    PDF,
    PNG,
    POSTSCRIPT,
    RAR,
    SEVEN_ZIP,
    XZ,
    ZIP,
    ZSTD,
    FileType,
    binary_type,
)

_UNPACK = "Unpack it and upload the CSV file."
_LIST_URLS = "Upload a CSV file that lists the URLs of the images."
_UPLOAD_SOURCE = "Upload the CSV file that the document was made from."
_ADVICE = {
    ZIP: SAVE_AS,
    OLE: SAVE_AS,
    GZIP: _UNPACK,
    ZSTD: _UNPACK,
    XZ: _UNPACK,
    RAR: _UNPACK,
    SEVEN_ZIP: _UNPACK,
    PDF: _UPLOAD_SOURCE,
    POSTSCRIPT: _UPLOAD_SOURCE,
}
"""For types other than images and videos."""

_WORKBOOKS = {
    ZIP: "an Excel workbook (.xlsx) or another ZIP archive",
    OLE: "an Excel workbook (.xls) or another Office document",
}
_CUT_SIGNATURES = ((b"\x89PNG", PNG), (b"GIF8", GIF))
"""The rest of the signature is damaged by a transfer as text; no column name begins so."""

_UTF32_MARKS = (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE)
_MARKS = ((codecs.BOM_UTF8, UTF8), (codecs.BOM_UTF16_LE, UTF16_LE), (codecs.BOM_UTF16_BE, UTF16_BE))
_UTF16 = frozenset({UTF16_LE, UTF16_BE})
_SIGNATURE_BYTES = 64  # more than the header of any binary type needs
_HEAD_BYTES = 1 << 12
_BY_ZEROS = "the file has no byte order mark; it was read as UTF-16 because of its zero bytes"
_DECLARE = "Declare the encoding that the file has, or none."
_CHECK_LETTERS = "Check that accented letters are shown correctly."
_NAME_IT = f"{_CHECK_LETTERS} If not, name the encoding, for example encoding=windows-1250, or: {SAVE_AS}"


@dataclass(frozen=True, slots=True)
class GivenEncoding:
    """What the client says about the encoding, as labels. option: on purpose. declared: by a Content-Type."""

    option: str | None = None
    declared: str | None = None


NOT_GIVEN = GivenEncoding()


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """name and bom: as in Dialect. warnings: how it was found, where that is not certain."""

    name: str
    bom: bool
    warnings: tuple[Finding, ...] = ()


def find_encoding(chunks: Chunks, given: GivenEncoding) -> TextEncoding:
    """The encoding of a text.

    A byte order mark decides, as in browsers; then the option; then the declared charset, unless the bytes contradict
    it. Otherwise the text is read to its end to find out whether it is UTF-8, and if not, its encoding is guessed.

    Raises Unreadable for known binary types and for damaged UTF-8: reading that in another encoding would change URLs.
    Bytes that the encoding does not allow are found by `decode`.
    """
    head = _head(chunks())
    if head.startswith(_UTF32_MARKS):
        raise _not_csv("UTF-32 text", SAVE_AS)
    if binary := _binary_type(head[:_SIGNATURE_BYTES]):
        raise _not_csv(_WORKBOOKS.get(binary, binary.description), _ADVICE.get(binary, _LIST_URLS))
    option = codec_of(given.option) if given.option else None
    declared = codec_of(given.declared) if given.declared else None
    for mark, name in _MARKS:
        if head.startswith(mark):
            return TextEncoding(name, True, _against_mark(name, option or declared))
    utf16 = guess_utf16(head)
    if utf16 and (option or declared) in _UTF16:
        return TextEncoding(utf16, bom=False)
    if option is not None:
        return TextEncoding(option, bom=False)
    if declared is not None:
        return _declared(chunks, declared, utf16)
    return _detected(chunks, utf16, (_unknown_charset(given.declared),) if given.declared else ())


def _against_mark(name: str, wanted: str | None) -> tuple[Finding, ...]:
    if wanted is None or wanted == name or {wanted, name} <= _UTF16:
        return ()
    problem = f"the file has the byte order mark of {display_name(name)}; it was not read as {display_name(wanted)}"
    return (_warning(problem, _DECLARE),)


def _declared(chunks: Chunks, declared: str, utf16: str | None) -> TextEncoding:
    """The declared encoding, unless the bytes contradict it. `utf16`: which one they are, against what is declared."""
    utf8 = None if utf16 else scan(chunks(), UTF8)
    if utf8 and declared == UTF8:
        return _detected(chunks, None, (), utf8) if utf8.invalid is not None else TextEncoding(UTF8, bom=False)
    if utf8 and not _is_utf8_against(declared, utf8):
        found = scan(chunks(), declared)
        if found.invalid is None:
            warnings = _against_letters(chunks) if declared == WESTERN and found.letters else ()
            return TextEncoding(declared, False, warnings)
    problem = f"the file is not {display_name(declared)} text, as its Content-Type says; its encoding was detected"
    return _detected(chunks, utf16, (_warning(problem, _DECLARE),), utf8)


def _is_utf8_against(declared: str, utf8: Scan) -> bool:
    """Whether the text is UTF-8, although another encoding is declared.

    Programs declare the charset of their system, whatever they send; other text is hardly valid UTF-8 by chance. ASCII
    is the same in all encodings but UTF-16.
    """
    return utf8.invalid is None and (utf8.letters or declared in _UTF16)


def _against_letters(chunks: Chunks) -> tuple[Finding, ...]:
    """HTTP libraries declare ISO-8859-1 by default, in which all bytes are valid."""
    guess = guess_encoding(sample_of(chunks()))
    if guess in {WESTERN, "iso8859-15"}:
        return ()
    western, likelier = display_name(WESTERN), display_name(guess)
    problem = f"the file was read as {western}, as its Content-Type says; its letters look like {likelier}"
    return (_warning(problem, _NAME_IT),)


def _detected(
    chunks: Chunks, utf16: str | None, warnings: tuple[Finding, ...], utf8: Scan | None = None
) -> TextEncoding:
    """`utf8`: what the text is as UTF-8, if that is known."""
    if utf16:
        return TextEncoding(utf16, False, (*warnings, _warning(_BY_ZEROS, _CHECK_LETTERS)))
    utf8 = utf8 or scan(chunks(), UTF8)
    if utf8.invalid is not None:
        sample = sample_of(chunks())
        if is_damaged_utf8(sample):
            raise _damaged(chunks, utf8.invalid)
        guess = guess_encoding(sample)
        return TextEncoding(guess, False, (*warnings, _not_utf8(chunks, utf8.invalid, guess)))
    if utf8.japanese_escapes and not utf8.letters:
        problem = "the file has escapes of ISO-2022-JP; it was read in that encoding"
        return TextEncoding("iso2022_jp", False, (*warnings, _warning(problem, _NAME_IT)))
    return TextEncoding(UTF8, False, warnings)


def _head(chunks: Iterable[bytes]) -> bytes:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    return head[:_HEAD_BYTES]


def _binary_type(head: bytes) -> FileType | None:
    cut = next((kind for signature, kind in _CUT_SIGNATURES if head.startswith(signature)), None)
    return cut or binary_type(head)


def _not_csv(description: str, advice: str) -> Unreadable:
    return Unreadable("file", f"the file is not CSV text: it looks like {description}", advice)


def _damaged(chunks: Chunks, place: int) -> Unreadable:
    byte, line = byte_at(chunks(), place), line_of(chunks(), place)
    return Unreadable(
        "file",
        f"the file is UTF-8 but damaged in line {line:,}: byte {place:,} is 0x{byte:02X}",
        f"Correct that line. {SAVE_AS} If the file is in another encoding, name it with the option encoding.",
    )


def _not_utf8(chunks: Chunks, place: int, guess: str) -> Finding:
    byte = byte_at(chunks(), place)
    problem = f"the file is not UTF-8: byte {place:,} is 0x{byte:02X}; it was read as {display_name(guess)}"
    return _warning(problem, _NAME_IT, line_of(chunks(), place))


def _unknown_charset(label: str) -> Finding:
    problem = f'the Content-Type names a charset that is not known, "{shorten(label)}"; the encoding was detected'
    return _warning(problem, _DECLARE)


def _warning(problem: str, advice: str, line: int | None = None) -> Finding:
    return Finding(problem, advice, line=line, severity="warning")
