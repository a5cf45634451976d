"""All shapes of rows that were seen."""

from tests.catalogues.fixture import HEADER, A, B, C, Fixture, error, row, text, warning

_SCREEN = '12" screen'

ROWS = (
    Fixture("URLs in a quoted cell", text(HEADER, f'1,Lamp,"{A},{B}"'), (row("1", "Lamp", (A, B)),)),
    Fixture(
        "unquoted URLs",
        text(HEADER, f"1,Lamp,{A},{B},{C}", f"2,Oak,{A}"),
        (row("1", "Lamp", (A, B, C)), row("2", "Oak", A)),
        (warning("cells", 2),),
    ),
    Fixture(
        "unquoted URLs with spaces",
        text(HEADER, f"1, Lamp, {A}, {B}"),
        (row("1", "Lamp", (A, B)),),
        (warning("cells", 2),),
    ),
    Fixture(
        "URLs quoted one by one",
        text(HEADER, f'1,Lamp,"{A}","{B}"'),
        (row("1", "Lamp", (A, B)),),
        (warning("cells", 2),),
    ),
    Fixture(
        "unquoted URLs in a file with semicolons",
        text("S. No.;Product Name;Input Image Urls", f"1;Lamp;{A};{B}"),
        (row("1", "Lamp", (A, B)),),
        (warning("cells", 2),),
        delimiter=";",
    ),
    Fixture(
        "a line break after each comma",
        text(HEADER, f'1,Lamp,"{A},\n{B},\r\n{C}"', f"2,Oak,{A}"),
        (row("1", "Lamp", (A, B, C)), row("2", "Oak", A)),
    ),
    Fixture(
        "a line break in a name",
        text(HEADER, f'1,"Lamp,\ntall",{A}', f"2,Oak,{B}"),
        (row("1", "Lamp,\ntall", A), row("2", "Oak", B)),
    ),
    Fixture("spaces before quotes", text(HEADER, f'1, "Lamp, tall", "{A}, {B}"'), (row("1", "Lamp, tall", (A, B)),)),
    Fixture("doubled and trailing commas", text(HEADER, f'1,Lamp,"{A},,{B},"'), (row("1", "Lamp", (A, B)),)),
    Fixture("commas after a row", text(HEADER, f"1,Lamp,{A},,,"), (row("1", "Lamp", A),), (warning("blank cells", 2),)),
    Fixture(
        "a comma after each row",
        text(HEADER, f"1,Lamp,{A},", f"2,Oak,{B},"),
        (row("1", "Lamp", A), row("2", "Oak", B)),
        (warning("blank cells at the ends of rows were removed: 2", 2),),
    ),
    Fixture(
        "whole lines in quotes",
        text(HEADER, f'"1,Lamp,{A}"', f'"2,Oak,{A},{B}"'),
        (row("1", "Lamp", A), row("2", "Oak", (A, B))),
        (warning("quote", 2), warning("quote", 3)),
    ),
    Fixture(
        "whole lines in quotes, including the header",
        text(f'"{HEADER}"', f'"1,Lamp,""{A},{B}"""'),
        (row("1", "Lamp", (A, B)),),
        (warning("quote", 1), warning("quote", 2)),
    ),
    Fixture(
        "a serial number with a full stop",
        text(HEADER, f"1.,Lamp,{A}", f"2.,Oak,{B}"),
        (row("1.", "Lamp", A), row("2.", "Oak", B)),
    ),
    Fixture("a serial number with zeros", text(HEADER, f"001,Lamp,{A}"), (row("001", "Lamp", A),)),
    Fixture("a serial number of letters", text(HEADER, f"A/7-b,Lamp,{A}"), (row("A/7-b", "Lamp", A),)),
    Fixture(
        "a serial number changed by a spreadsheet",
        text(HEADER, f"1.23E+12,Lamp,{A}"),
        (row("1.23E+12", "Lamp", A),),
        (warning("changed by a spreadsheet", 2, "S. No."),),
    ),
    Fixture(
        "a repeated serial number",
        text(HEADER, f"1,Lamp,{A}", f"1,Oak,{B}"),
        (row("1", "Lamp", A), row("1", "Oak", B)),
        (warning("serial number", 3, "S. No."),),
    ),
    Fixture(
        "rows shorter than the header",
        text(f"{HEADER},Note", f"1,Lamp,{A}"),
        (row("1", "Lamp", A),),
        (warning("3 of 4 cells", 2),),
    ),
    Fixture(
        "a row without URLs",
        text(HEADER, f"1,Lamp,{A}", "2,Oak,", "3"),
        (row("1", "Lamp", A), row("2", "Oak", ()), row("3", "", ())),
        (
            warning("no image", 3, "Input Image Urls"),
            warning("1 of 3 cells", 4),
            warning("no image", 4, "Input Image Urls"),
        ),
    ),
    Fixture(
        "blank rows, as spreadsheets leave them",
        text("", ",,", HEADER, "", f"1,Lamp,{A}", ",,", "  ", f"2,Oak,{B}", ",,,"),
        (row("1", "Lamp", A), row("2", "Oak", B)),
        (warning("blank rows were skipped: 6", 1),),
    ),
    Fixture(
        "inches in an unquoted name",
        text(HEADER, f"1,{_SCREEN},{A}"),
        (row("1", _SCREEN, A),),
    ),
    Fixture(
        "control characters that do not end a line",
        text(HEADER, f"1,a\x0cb\x85c\u2028d,{A}"),
        (row("1", "a\x0cb\x85c\u2028d", A),),
    ),
    Fixture(
        "an unquoted name with a comma",
        text(HEADER, f"1,Lamp, tall,{A}", f"2,Oak,{B}"),
        findings=(error("4 cells", 2),),
    ),
    Fixture(
        "surplus cells where the URLs are not last",
        text("S. No.,Input Image Urls,Product Name", f"1,{A},{B},Lamp"),
        findings=(error("4 cells", 2),),
    ),
    Fixture(
        "text after a closing quote",
        text(HEADER, f'1,"Oak" table,{A}'),
        findings=(error("closing quote", 2, "Product Name"),),
    ),
    Fixture(
        "quotes after backslashes, in the whole file",
        text(
            HEADER,
            rf'1,"Screen 12\", \"new\"",{A}',
            rf'2,"C:\\x \\\n",{B}',
            '3,"two\nlines \\"here\\"","' + f'{A},{B}"',
        ),
        (row("1", 'Screen 12", "new"', A), row("2", "C:\\\\x \\\\\\n", B), row("3", 'two\nlines "here"', (A, B))),
        (warning('quotes inside cells are written \\"'),),
    ),
    Fixture(
        "quotes after backslashes that only change the number of cells",
        text(HEADER, rf'1,"Screen 12\", new",{A}'),
        (row("1", 'Screen 12", new', A),),
        (warning('quotes inside cells are written \\"'),),
    ),
    Fixture(
        "backslashes before closing quotes that are meant",
        text(HEADER, '1,"C:\\pictures\\",' + A, f"2,Oak,{B}"),
        (row("1", "C:\\pictures\\", A), row("2", "Oak", B)),
    ),
    Fixture(
        "quotes after backslashes and a wrong quote",
        text(HEADER, rf'1,"Screen 12\", new",{A}', f'2,"Oak" table,{B}'),
        findings=(error("4 cells", 2), error("closing quote", 3)),
    ),
    Fixture(
        "several faults at once",
        text(
            HEADER,
            f'1,"two\nlines",{A}',
            f"2,Lamp, tall,{A}",
            f'3,"Oak" table,{A}',
            '4,"Sofa\n\n"," open',
            "to the end",
        ),
        findings=(
            error("4 cells", 4),
            error("closing quote", 5, "Product Name"),
            error("never closed", 8, "Input Image Urls"),
        ),
    ),
)
