"""Files that only an attacker or a broken program writes."""

import codecs

from tests.catalogues.fixture import HEADER, A, B, Fixture, error, row, slot_error, text, warning

_GOOD = f"1,Lamp,{A}"

HOSTILE = (
    Fixture("only a BOM", codecs.BOM_UTF8, findings=(error("empty"),)),
    Fixture("only a BOM of UTF-16", codecs.BOM_UTF16_LE, findings=(error("empty"),)),
    Fixture("zeros", b"\0" * 100, findings=(error("zero", 1),)),
    Fixture(
        "UTF-16 cut in the middle of a character",
        (codecs.BOM_UTF16_LE + text(HEADER, _GOOD, encoding="utf-16-le"))[:-1],
        findings=(error("UTF-16", 2),),
    ),
    Fixture(
        "UTF-16 with half a surrogate pair",
        codecs.BOM_UTF16_LE
        + text(HEADER, "1,La", encoding="utf-16-le")[:-2]
        + b"\x00\xd8"
        + text(f"mp,{A}", encoding="utf-16-le"),
        findings=(error("UTF-16", 2),),
    ),
    Fixture(
        "UTF-8 with a damaged letter",
        text(HEADER, f"1,L\u00e4mpchen,{A}") + b"2,L\xffmp," + text(A),
        findings=(error("damaged in line 3"),),
    ),
    Fixture(
        "rows without a serial number",
        text(HEADER, f"1,Lamp,{A}", f",Lamp,{A}", f" ,Lamp,{A}"),
        (row("1", "Lamp", A), row("", "Lamp", A), row("", "Lamp", A)),
        (warning("without a serial number: 2, the first at line 3"),),
    ),
    Fixture(
        "surrogates written as UTF-8",
        text(HEADER) + b"1,La\xed\xa0\x80mp," + text(A),
        findings=(error("damaged in line 2"),),
    ),
    Fixture(
        "a quote that is never closed",
        text(HEADER, _GOOD, f'2,"Oak,{A}', f"3,Ash,{B}"),
        findings=(error("never closed", 3, "Product Name"),),
    ),
    Fixture("a lone quote at the end", text(HEADER, _GOOD) + b'"', findings=(error("never closed", 3, "S. No."),)),
    Fixture("an odd number of doubled quotes", text(HEADER, f'1,"""""Lamp""",{A}'), (row("1", '""Lamp"', A),)),
    Fixture(
        "three quotes and text",
        text(HEADER, f'1,"""Lamp"" x,{A}'),
        findings=(error("never closed", 2, "Product Name"),),
    ),
    Fixture(
        "a doubled quote after a closed one",
        text(HEADER, f'1,""Lamp"",{A}'),
        findings=(error("closing quote", 2, "Product Name"),),
    ),
    Fixture("nothing but quotes", b'"' * 99, findings=(error("never closed", 1),)),
    Fixture("nothing but commas", b"," * 5000, findings=(error("empty"),)),
    Fixture("2,000 columns", text(HEADER + ",x" * 1997, _GOOD), findings=(error("2,000 columns"),)),
    Fixture(
        "a row of 2,000 cells",
        text(HEADER, f"1,Lamp,{A}" + ",x" * 1997, _GOOD),
        findings=(error("2000 cells", 2),),
    ),
    Fixture(
        "a cell of a million characters",
        text(HEADER, f"1,{'x' * 1_000_001},{A}"),
        findings=(error("1,000,000 characters", 2),),
    ),
    Fixture("a large cell", text(HEADER, f"1,{'x' * 200_000},{A}"), (row("1", "x" * 200_000, A),)),
    Fixture(
        "a line without an end",
        text(HEADER) + b"1," + b"," * 2_000_001,
        findings=(error("2,000,000 characters", 2),),
    ),
    Fixture(
        "5,000 URLs in a cell",
        text(HEADER, '1,Lamp,"' + ",".join([A] * 5000) + '"'),
        (row("1", "Lamp", (A,) * 5000),),
    ),
    Fixture(
        "10,001 URLs in a cell",
        text(HEADER, '1,Lamp,"' + ",".join([A] * 10_001) + '"'),
        findings=(error("10,001 image slots", 2, "Input Image Urls"),),
    ),
    Fixture(
        "a run of separators",
        text(HEADER, f'1,Lamp,"{A}{" ,;|" * 20_000}x"'),
        (row("1", "Lamp", f"{A}{' ,;|' * 20_000}x"),),
        (slot_error("2,048", 2),),
    ),
    Fixture(
        "a first line that names semicolons before a header with commas",
        text("sep=;", HEADER, _GOOD),
        findings=(error("separated by commas", 1),),
    ),
    Fixture(
        "a first line that names an unknown delimiter",
        text("sep=x", HEADER, _GOOD),
        findings=(error("names a delimiter", 1),),
    ),
    Fixture("only a first line sep=", text("sep=;"), findings=(error("empty"),)),
    Fixture(
        "a header with semicolons and rows with commas",
        text(HEADER.replace(",", ";"), _GOOD),
        (row("1,Lamp," + A, "", ()),),
        (warning("1 of 3 cells", 2), warning("no image", 2)),
        delimiter=";",
    ),
    Fixture(
        "the header repeated in the middle",
        text(HEADER, _GOOD, HEADER, f"2,Oak,{B}"),
        (row("1", "Lamp", A), row("S. No.", "Product Name", "Input Image Urls"), row("2", "Oak", B)),
        (slot_error("not an http", 3),),
    ),
    Fixture(
        "a formula as a name",
        text(HEADER, f'1,"=HYPERLINK(""http://x"")",{A}'),
        (row("1", '=HYPERLINK("http://x")', A),),
    ),
    Fixture("BOMs in the middle", text(HEADER, f"1,\ufeffLamp,{A}"), (row("1", "\ufeffLamp", A),)),
)
