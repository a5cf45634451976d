"""The encodings that a catalogue may have, and the names that people and programs use for them. Pure.

Labels are those of the WHATWG Encoding Standard, as browsers read them (so "iso-8859-1" is Windows-1252), and Python's
names of the same encodings and of the code pages of DOS and the old Mac OS. Encodings that do not contain ASCII, and
UTF-7, are left out: they can hide a file's quotes and delimiters from whoever checks it.
"""

import codecs
import encodings
from collections.abc import Mapping
from encodings.aliases import aliases

import webencodings

UTF8, UTF16_LE, UTF16_BE, WESTERN = "utf-8", "utf-16-le", "utf-16-be", "cp1252"
"""Python's names."""

_NAMES: Mapping[str, str] = {
    UTF8: "UTF-8",
    UTF16_LE: "UTF-16",
    UTF16_BE: "UTF-16",
    **{f"cp{number}": f"Windows-{number}" for number in range(1250, 1259)},
    "cp874": "Windows-874",
    "cp932": "Shift_JIS",
    "euc_jis_2004": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "gb18030": "GB18030",
    "big5hkscs": "Big5",
    "cp949": "EUC-KR",
    "koi8-r": "KOI8-R",
    "koi8-u": "KOI8-U",
    **{f"iso8859-{part}": f"ISO-8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{f"cp{number}": f"code page {number}" for number in (437, 737, 775, 850, 852, 855, 857, 858, *range(860, 867))},
    "mac-roman": "MacRoman",
    "mac-latin2": "Mac Central European",
    "mac-cyrillic": "MacCyrillic",
    "mac-greek": "MacGreek",
    "mac-turkish": "MacTurkish",
    "mac-iceland": "MacIcelandic",
}
"""Python's name of each allowed encoding, and the name for people."""

ACCEPTED = (
    "utf-8, utf-16, windows-1250 to windows-1258, windows-874, shift_jis, euc-jp, iso-2022-jp, gb18030 (gbk, gb2312),"
    " big5, euc-kr, koi8-r, koi8-u, iso-8859-1 to iso-8859-16, macintosh, mac-latin2, mac-cyrillic, mac-greek,"
    " mac-turkish, mac-iceland, cp437, cp737, cp775, cp850, cp852, cp855, cp857, cp858 and cp860 to cp866"
)
"""For people: the accepted encodings by their best known labels."""

_WIDER: Mapping[str, str] = {
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "euc_jp": "euc_jis_2004",
    "shift_jis": "cp932",
    "shift_jis_2004": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "ascii": WESTERN,
    "iso8859-1": WESTERN,
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "utf-8-sig": UTF8,
    "utf-16": UTF16_LE,
    "iso2022_jp_2": "iso2022_jp",
    "iso2022_jp_ext": "iso2022_jp",
    "iso2022_jp_2004": "iso2022_jp",
}
"""An encoding and the one that contains it and is written under its name, as in the standard."""

_MODULES = frozenset(map(encodings.normalize_encoding, (*_NAMES, *_WIDER)))
_MAX_LABEL_CHARS = 40


def codec_of(label: str) -> str | None:
    """Python's name of the encoding with this label; None if it is unknown or not accepted."""
    label = label.strip().strip("\"'").lower()
    if not label or len(label) > _MAX_LABEL_CHARS or not label.isascii() or not label.isprintable():
        return None
    found = webencodings.lookup(label)
    if found is not None:
        return accepted_codec(found.codec_info.name)
    # Not codecs.lookup(label), which remembers each label forever, also an unknown one.
    module = encodings.normalize_encoding(label)
    module = aliases.get(module, module)
    return accepted_codec(codecs.lookup(module).name) if module in _MODULES else None


def accepted_codec(codec: str) -> str | None:
    """The accepted encoding that contains Python's `codec`; None if there is none."""
    wider = _WIDER.get(codec, codec)
    return wider if wider in _NAMES else None


def display_name(codec: str) -> str:
    """The name for people of an accepted encoding."""
    return _NAMES[codec]
