"""Guesses the encoding of a text that is not UTF-8 from a sample of it. Pure, in bounded memory.

chardet compares the sample with statistics of letters in each language and encoding. On the names of a catalogue it is
right from about four rows on; docs/decisions/0030-encodings.md has the figures.
"""

import re
from collections.abc import Iterable

import chardet

from services.gateway.catalogue.charsets import UTF16_BE, UTF16_LE, WESTERN, accepted_codec

_CANDIDATES = (
    *("shift_jis", "cp932", "euc_jis_2004", "gb18030", "big5", "big5hkscs", "euc_kr", "cp949", "koi8-r", "koi8-u"),
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "tis-620"),
    *("iso8859-1", "iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-15"),
    *("cp437", "cp850", "cp852", "cp866", "mac-roman", "mac-cyrillic", "mac-latin2"),
)
"""What spreadsheets and shops write. A rarer encoding would mostly be a wrong guess; it can be named by the option."""

_WINDOWS = {"iso8859-2": "cp1250", "iso8859-7": "cp1253", "iso8859-8": "cp1255"}
"""Where the sample does not tell the two apart, that of Windows is likelier in the rest of the file."""

_SAMPLE_BYTES = 1 << 16
_LINE_BYTES = 1 << 12
_BEFORE_LETTER_BYTES = 100  # of a long line; the sample begins so far before its first byte beyond ASCII
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_BEYOND_ASCII_AT_END = re.compile(rb"[\x80-\xff]*+\Z")
_BEYOND_ASCII_TEXT = re.compile(r"[^\x00-\x7f]")
_UTF8_LETTER = re.compile(
    rb"[\xc2-\xc5][\x80-\xbf]|(?<![A-Z])[\xc6-\xde][\x80-\xbf]"
    rb"|(?:[\xe0-\xef](?!\xa0)|\xed)[\x80-\xbf]{2}|[\xf0-\xf4](?!\xa0)[\x80-\xbf]{3}"
)
"""Without those that end Western words in Windows-1252: capitals and "ß" before quotes and signs, and letters before a
no-break space."""
_OF_LATIN_9 = re.compile(rb"\xa4|(?<![\xc2-\xdf])[\xa6\xa8\xb4\xb8\xbc\xbd][a-z]")
"""The euro sign of ISO-8859-15, and its other letters where signs of Windows-1252 would make no sense."""

_FEW_BYTES = 8  # with fewer, statistics take some French and Portuguese words for MacRoman
_WESTERN_CHARACTERS = frozenset(
    "àâäáãåæçéèêëíìîïñóòôöõøœúùûüßÿÀÂÄÁÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜŸ"
    "\u00a0\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2026\u2022\u20ac\u2122£§°®©½¼¾²³\u00d7·«»¿¡\u00b4ºª±µ"
)
_NO_WESTERN_WORD = re.compile(r"[à-öø-ÿÀ-ÖØ-ÞŒœŸ]{3}|[a-zà-öø-ÿ][À-ÖØ-ÞŒŸ]|[³¹£][a-zà-öø-ÿ]|[à-öø-ÿ][³¹]|[a-zà-öø-ÿ]¿")
"""Three letters beyond ASCII in a row, a capital inside a word, or signs that are letters in Windows-1250."""

_MIN_UTF16_BYTES = 8  # four characters; fewer do not prove that a text is UTF-16
_UTF16_SHARE = 5  # one in five characters of a catalogue's head is ASCII: delimiters, line ends, URLs


def sample_of(chunks: Iterable[bytes]) -> bytes:
    """The first lines with bytes beyond ASCII: at most 64 kB, and 4 kB of a line."""
    lines, size, tail = list[bytes](), 0, b""
    for chunk in chunks:
        block = tail + chunk
        end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        tail = block[end:][-_LINE_BYTES:]
        if block.isascii():
            continue
        for line in block[:end].splitlines():
            if not line.isascii():
                lines.append(_short(line))
                size += len(lines[-1]) + 1
                if size >= _SAMPLE_BYTES:
                    return b"\n".join(lines)
    if not tail.isascii():
        lines.append(_short(tail))
    return b"\n".join(lines)


def _short(line: bytes) -> bytes:
    """The line, or the part of a long one around its first letters beyond ASCII, which ends with a whole character."""
    first = _BEYOND_ASCII.search(line)
    if len(line) <= _LINE_BYTES or first is None:
        return line
    begin = max(first.start() - _BEFORE_LETTER_BYTES, 0)
    part = line[begin : begin + _LINE_BYTES]
    return _BEYOND_ASCII_AT_END.sub(b"", part) or part


def guess_encoding(sample: bytes) -> str:
    """Python's name of the encoding of a sample that is not UTF-8.

    Windows-1252 if nothing fits, and if the sample is too short for statistics but looks like a Western language.
    """
    if len(_BEYOND_ASCII.findall(sample)) <= _FEW_BYTES and _is_western(sample):
        return WESTERN
    found = chardet.detect(
        sample,
        max_bytes=max(len(sample), 1),
        compat_names=False,
        include_encodings=_CANDIDATES,
        no_match_encoding=WESTERN,
    )["encoding"]
    codec = accepted_codec(found) if found else None
    text = _decoded(sample, codec) if codec else None
    if codec is None or text is None:
        return WESTERN
    if codec == "iso8859-15" and _decoded(sample, WESTERN) is not None and not _OF_LATIN_9.search(sample):
        return WESTERN
    windows = _WINDOWS.get(codec)
    return windows if windows and _decoded(sample, windows) == text else codec


def _is_western(sample: bytes) -> bool:
    """Whether the sample, read as Windows-1252, looks like words of a Western language."""
    text = _decoded(sample, WESTERN)
    if text is None:
        return False
    return _WESTERN_CHARACTERS.issuperset(_BEYOND_ASCII_TEXT.findall(text)) and _NO_WESTERN_WORD.search(text) is None


def _decoded(sample: bytes, codec: str) -> str | None:
    """The sample's text; None if it has a byte that the encoding does not allow."""
    try:
        return sample.decode(codec)
    except UnicodeDecodeError:
        return None


def is_damaged_utf8(sample: bytes) -> bool:
    """Whether a sample of a text that is not UTF-8 as a whole was UTF-8 before a few of its bytes were changed.

    A few bytes of another encoding may look like a letter of UTF-8, but most of its letters do not.
    """
    rest, letters = _UTF8_LETTER.subn(b"", sample)
    return letters > 0 and letters >= len(_BEYOND_ASCII.findall(rest))


def guess_utf16(head: bytes) -> str | None:
    """Which UTF-16 a text without a byte order mark is, by the zero bytes of its ASCII characters; None if none."""
    pairs = list(zip(head[0::2], head[1::2], strict=False))  # an odd byte at the end is left out
    if 2 * len(pairs) < _MIN_UTF16_BYTES or (0, 0) in pairs:
        return None
    little = sum(1 for first, second in pairs if second == 0 and first < 0x80)
    big = sum(1 for first, second in pairs if first == 0 and second < 0x80)
    if max(little, big) * _UTF16_SHARE < len(pairs) or little == big:
        return None
    return UTF16_LE if little > big else UTF16_BE
