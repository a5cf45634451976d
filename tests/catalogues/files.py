"""Files in all encodings, delimiters and line ends that were seen, and files that are no catalogues."""

import codecs

from tests.catalogues.fixture import HEADER, A, B, Fixture, Row, error, row, text, warning

_LINES = (HEADER, f"1,Lamp,{A}", f'2,"Oak, tall","{A}, {B}"')
_ROWS: tuple[Row, ...] = (row("1", "Lamp", A), row("2", "Oak, tall", (A, B)))
_ACCENTED = (HEADER, f"1,Caf\u00e9 \u2013 12 \u20ac,{A}")
_ACCENTED_ROWS = (row("1", "Caf\u00e9 \u2013 12 \u20ac", A),)


def _delimited(delimiter: str) -> tuple[str, ...]:
    """The lines of a file with this delimiter; a list of URLs is quoted if it contains it."""
    joined = f"{A}, {B}" if delimiter != "," else f'"{A},{B}"'
    return (HEADER.replace(",", delimiter), f"1{delimiter}Lamp{delimiter}{joined}")


_TWO = (row("1", "Lamp", (A, B)),)

FILES = (
    Fixture("CRLF", text(*_LINES, end="\r\n"), _ROWS),
    Fixture("CR", text(*_LINES, end="\r"), _ROWS),
    Fixture(
        "all line ends in one file", text(_LINES[0], end="\r\n") + text(_LINES[1], end="\r") + text(_LINES[2]), _ROWS
    ),
    Fixture("no line end after the last row", text(*_LINES)[:-1], _ROWS),
    Fixture("a BOM", codecs.BOM_UTF8 + text(*_LINES), _ROWS, bom=True),
    Fixture(
        "a BOM before a quoted header",
        codecs.BOM_UTF8 + text('"S. No.","Product Name","Input Image Urls"', *_LINES[1:]),
        _ROWS,
        bom=True,
    ),
    Fixture("UTF-8 beyond ASCII", text(*_ACCENTED), _ACCENTED_ROWS),
    Fixture(
        "UTF-16 with tabs, as spreadsheets write Unicode text",
        codecs.BOM_UTF16_LE + text(*_delimited("\t"), end="\r\n", encoding="utf-16-le"),
        _TWO,
        delimiter="\t",
        encoding="utf-16-le",
        bom=True,
    ),
    Fixture(
        "UTF-16 with the other byte order",
        codecs.BOM_UTF16_BE + text(*_ACCENTED, encoding="utf-16-be"),
        _ACCENTED_ROWS,
        encoding="utf-16-be",
        bom=True,
    ),
    Fixture(
        "Windows-1252",
        text(*_ACCENTED, end="\r\n", encoding="cp1252"),
        _ACCENTED_ROWS,
        (warning("1252"),),
        encoding="cp1252",
    ),
    *(
        Fixture(f"separated by {name}", text(*_delimited(delimiter)), _TWO, delimiter=delimiter)
        for name, delimiter in (("commas", ","), ("semicolons", ";"), ("tabs", "\t"), ("vertical bars", "|"))
    ),
    *(
        Fixture(
            f"a first line that names {name}",
            text(f"sep={delimiter}", *_delimited(delimiter), end="\r\n"),
            _TWO,
            delimiter=delimiter,
        )
        for name, delimiter in (("semicolons", ";"), ("commas", ","), ("tabs", "\t"))
    ),
    Fixture(
        "a first line that names semicolons, after a BOM",
        codecs.BOM_UTF8 + text("sep=;", *_delimited(";"), end="\r\n"),
        _TWO,
        delimiter=";",
        bom=True,
    ),
    Fixture(
        "a title above the header",
        text("Catalogue, autumn 2026;;", "", '"exported by ""Ann""";;', *_delimited(";")),
        _TWO,
        (warning("above the header were passed over: 2", 1),),
        delimiter=";",
    ),
    Fixture(
        "comments above the header",
        text("# exported 2026-11-30", '# 3 products, 12" tall', *_LINES),
        _ROWS,
        (warning("passed over: 2", 1),),
    ),
    Fixture(
        "a delimiter and a title above the header",
        codecs.BOM_UTF8 + text("sep=;", "Catalogue", *_delimited(";"), end="\r\n"),
        _TWO,
        (warning("passed over: 1", 1),),
        delimiter=";",
        bom=True,
    ),
    Fixture(
        "a quoted title of several lines",
        text('"Catalogue', "of the season", '2026",,', *_LINES, end="\r\n"),
        _ROWS,
        (warning("passed over: 1", 1),),
    ),
    Fixture(
        "a comment above a header with a missing column",
        text("# from the shop", "Product Name,Colour", "Lamp,red"),
        findings=(warning("passed over", 1), error("missing", 2, "Serial Number"), error("missing", 2)),
    ),
    Fixture(
        "a number sign as the name of the first column",
        text("#,Name,Image", f"1,Lamp,{A}"),
        (row("1", "Lamp", A),),
    ),
    Fixture(
        "a formula in a title",
        text("=HYPERLINK(1),+1,-,@x", HEADER, f"1,Lamp,{A}"),
        (row("1", "Lamp", A),),
        (warning("passed over", 1),),
    ),
    Fixture(
        "more semicolons in the URLs than commas in the file",
        text(HEADER, f'1,Lamp,"{A};{B};{A};{B};{A};{B}"'),
        (row("1", "Lamp", (A, B, A, B, A, B)),),
    ),
    Fixture("an empty file", b"", findings=(error("empty"),)),
    Fixture("only blanks", text("", " ", ",,"), findings=(error("empty"),)),
    Fixture("an Excel workbook", b"PK\x03\x04\x14\0\x06\0", findings=(error(".xlsx"),)),
    Fixture("an old Excel workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", findings=(error(".xls"),)),
    Fixture("gzip", b"\x1f\x8b\x08\0\0\0\0\0", findings=(error("gzip"),)),
    Fixture("a PDF", b"%PDF-1.7\n", findings=(error("PDF"),)),
    Fixture("a JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF\0", findings=(error("JPEG"),)),
    Fixture(
        "UTF-16 without a BOM",
        text(*_LINES, encoding="utf-16-le"),
        _ROWS,
        (warning("UTF-16"),),
        encoding="utf-16-le",
    ),
    Fixture("a NUL in a name", text(HEADER, f"1,La\0mp,{A}"), findings=(error("zero", 2),)),
)
