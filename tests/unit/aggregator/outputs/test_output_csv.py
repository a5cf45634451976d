"""The output CSV is the user's own text; only the cells of output URLs are new."""

import csv
import io
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.aggregator.outputs.formula_guard import guard, guard_urls
from services.aggregator.outputs.output_csv import OutputCsv
from shared.catalogue import CatalogueFormat, Dialect, ImageColumn, Profile, join_record, raw_cell
from shared.contracts.records import Product
from tests.support.aggregating import a_product
from tests.support.builders import a_catalogue_format

PLATFORMS = [profile for profile in Profile if profile is not Profile.GENERIC]
COMMA = Dialect(",", "utf-8", bom=False, line_end="\r\n")

Row = tuple[str, tuple[int, ...], list[str]]
"""A record, how many URLs each of its image columns has, and its output URLs."""


def a_row(record: str, slots: tuple[int, ...]) -> Product:
    return a_product(1, *["http://i/x"] * sum(slots), record=record, slots=slots)


def written(catalogue_format: CatalogueFormat, *rows: Row, guarded: bool = True) -> str:
    sink = io.StringIO(newline="")
    output = OutputCsv(sink, catalogue_format, guard_formulas=guarded)
    for record, slots, outputs in rows:
        output.write(a_row(record, slots), outputs)
    return sink.getvalue()


def platform_format(header: str, *columns: ImageColumn, delimiter: str = ",") -> CatalogueFormat:
    dialect = replace(COMMA, delimiter=delimiter, line_end="\n")
    return CatalogueFormat(Profile.WOOCOMMERCE, dialect, header, header.count(delimiter) + 1, columns)


def test_the_output_is_the_unchanged_input_with_a_column_of_output_urls() -> None:
    text = written(
        a_catalogue_format(),
        ('1, "A ""big"" one", "http://i/1,http://i/2"\r\n', (2,), ["http://o/1", "http://o/2"]),
        ("2,  b,http://i/1\n", (1,), ["http://o/1"]),
        ('"3","c",""\r', (0,), []),
    )

    assert text == (
        "S. No.,Product Name,Input Image Urls,Output Image Urls\r\n"
        '1, "A ""big"" one", "http://i/1,http://i/2","http://o/1,http://o/2"\r\n'
        "2,  b,http://i/1,http://o/1\n"
        '"3","c","",\r'
    )


@pytest.mark.parametrize(
    ("slots", "cell"),
    [
        ([], ""),
        ([""], ""),
        (["", ""], ","),
        (["u", "", "v"], "u,,v"),
        (["", "u"], ",u"),
        (["u", ""], "u,"),
    ],
)
def test_a_failed_image_leaves_its_slot_empty(slots: list[str], cell: str) -> None:
    text = written(a_catalogue_format(), ("1,a,x\r\n", (len(slots),), slots))
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True))[1][-1] == cell


@pytest.mark.parametrize(("delimiter", "cell"), [(";", "u,,v"), ("\t", "u,,v"), ("|", "u,,v"), (",", '"u,,v"')])
def test_slots_are_joined_by_commas_whatever_the_delimiter(delimiter: str, cell: str) -> None:
    dialect = Dialect(delimiter, "utf-8", bom=False, line_end="\n")
    header = f"No{delimiter}Name{delimiter}Image Urls\n"
    catalogue_format = a_catalogue_format(dialect=dialect, header=header)

    text = written(catalogue_format, (f"1{delimiter}a{delimiter}x\n", (3,), ["u", "", "v"]))

    assert text == f"{header[:-1]}{delimiter}Output Image Urls\n1{delimiter}a{delimiter}x{delimiter}{cell}\n"


def test_an_existing_output_column_is_filled_in_place_with_its_quotes() -> None:
    catalogue_format = a_catalogue_format(header="No,output_image_urls,Note,Image Urls\r\n", width=4, output_column=1)
    rows: list[Row] = [
        ("1,http://old/1,n,x\r\n", (1,), ["http://new/1"]),
        ('2,"http://old/1", n,x\r\n', (1,), ["http://new/1"]),
        ("3,,n,x\r\n", (2,), ["", "u"]),
    ]

    assert written(catalogue_format, *rows) == (
        'No,output_image_urls,Note,Image Urls\r\n1,http://new/1,n,x\r\n2,"http://new/1", n,x\r\n3,",u",n,x\r\n'
    )


def test_bom_and_preamble_are_kept() -> None:
    dialect = Dialect(";", "utf-8", bom=True, line_end="\r\n", preamble="sep=;\r\n")
    catalogue_format = a_catalogue_format(dialect=dialect, header="No;Name;Image Url\r\n")

    assert written(catalogue_format) == "\ufeffsep=;\r\nNo;Name;Image Url;Output Image Urls\r\n"


def test_rows_above_the_header_are_kept_and_their_formulas_guarded_unless_switched_off() -> None:
    preamble = '=1+1,+49,-,"@x",a=b\r\n# -x\n \t-cmd|x,"\n+2x"\r\n'
    catalogue_format = replace(a_catalogue_format(), dialect=replace(COMMA, preamble=preamble))

    assert written(catalogue_format, guarded=False).startswith(preamble)
    guarded = "'=1+1,+49,-,\"'@x\",a=b\r\n# -x\n \t'-cmd|x,\"\n'+2x\"\r\n"
    assert written(catalogue_format).startswith(guarded)


@pytest.mark.parametrize(
    "row", ['"="cmd|x', '"=""a""&cmd"', '"-1"+cmd', '""=cmd', '"" "=cmd"', 'x,"+1%"&y', '"@"SUM(A1)']
)
def test_odd_quotes_above_the_header_hide_no_formula(row: str) -> None:
    catalogue_format = replace(a_catalogue_format(), dialect=replace(COMMA, preamble=f"{row}\r\n"))

    [cells] = csv.reader([written(catalogue_format).splitlines()[0]])
    assert [cell for cell in cells if cell.strip(' "').startswith(("=", "+", "-", "@"))] == []


def test_a_long_preamble_of_blanks_is_written_quickly() -> None:
    for preamble in (" " * 60_000, "\t" * 60_000, " \t" * 30_000, '"' * 60_000, "-" * 60_000, "+1." * 20_000):
        catalogue_format = replace(a_catalogue_format(), dialect=replace(COMMA, preamble=preamble))
        started_at = time.process_time()
        written(catalogue_format)
        assert time.process_time() - started_at < 1


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_a_line_without_a_line_end_gets_one_only_when_another_line_follows(line_end: str) -> None:
    catalogue_format = a_catalogue_format(
        dialect=replace(COMMA, line_end=line_end), header=f"No,Name,Image Url{line_end}"
    )
    header = f"No,Name,Image Url,Output Image Urls{line_end}"

    assert written(catalogue_format, ("1,a,x", (1,), ["u"])) == f"{header}1,a,x,u"
    rows: list[Row] = [("1,a,x", (1,), ["u"]), ("2,b,x\r\n", (1,), ["v"])]
    assert written(catalogue_format, *rows) == f"{header}1,a,x,u{line_end}2,b,x,v\r\n"


@pytest.mark.parametrize("profile", PLATFORMS)
def test_a_platform_s_image_cells_are_replaced_in_place(profile: Profile) -> None:
    header = "sku,Main,Alt, More ,name\n"
    catalogue_format = replace(
        platform_format(header, ImageColumn(1, many=False), ImageColumn(3, many=True)), profile=profile
    )

    text = written(
        catalogue_format,
        ('1,http://i/1, a alt ,"http://i/2,http://i/3","n, n"\n', (1, 2), ["o1", "", "o3"]),
        ("2,http://i/1,,http://i/2,n\n", (1, 1), ["", "o2"]),
        ("3,  ,,none, n\n", (0, 0), []),
        ('4,"http://i/1",,,n', (1, 0), [""]),
    )

    assert text == f'{header}1,o1, a alt ,",o3","n, n"\n2,,,o2,n\n3,  ,,none, n\n4,"",,,n'


@pytest.mark.parametrize(
    ("cell", "joined"),
    [
        ("http://i/1,http://i/2,http://i/3", "a,,c"),
        ("http://i/1, http://i/2, http://i/3", "a, , c"),
        ("http://i/1|http://i/2|http://i/3", "a||c"),
        ("http://i/1 | HTTP://i/2 | http://i/3", "a |  | c"),
        ("http://i/1;http://i/2;http://i/3", "a;;c"),
        ("http://i/1,\nhttp://i/2,\nhttp://i/3", "a,\n,\nc"),
        ("http://i/w_1,h_2/1.jpg|http://i/2,http://i/3", "a||c"),
        ("http://i/1 http://i/2 http://i/3", "a,,c"),
        ("http://i/1\nhttp://i/2\nhttp://i/3", "a,,c"),
        ("1.jpg,2.jpg,3.jpg", "a,,c"),
        ("//i/1, //i/2, //i/3", "a, , c"),
    ],
)
def test_a_list_keeps_the_separator_that_the_user_chose(cell: str, joined: str) -> None:
    catalogue_format = platform_format("sku;Images\n", ImageColumn(1, many=True), delimiter=";")

    text = written(catalogue_format, (f"1;{raw_cell(cell, ';')}\n", (3,), ["a", "", "c"]))

    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))[1] == ["1", joined]


def test_formulas_are_guarded_in_rows_and_header_unless_switched_off() -> None:
    catalogue_format = a_catalogue_format(header="=A1,Product Name,Input Image Urls\r\n")
    row: Row = (' =1+1,"-5","-x"\r\n', (1,), ["u"])

    assert written(catalogue_format, row) == (
        "'=A1,Product Name,Input Image Urls,Output Image Urls\r\n" + """ '=1+1,"-5","'-x",u\r\n"""
    )
    assert written(catalogue_format, row, guarded=False) == (
        '=A1,Product Name,Input Image Urls,Output Image Urls\r\n =1+1,"-5","-x",u\r\n'
    )


@pytest.mark.parametrize("cell", ["http://i/=1", '"\nhttp://i/1"', '"\t//i/1"', '"data:image/png;base64,AA"', "-5"])
def test_cells_of_image_urls_stay_as_they_are(cell: str) -> None:
    record = f'=2,"-b",{cell}\r\n'
    assert written(a_catalogue_format(), (record, (1,), ["u"])).endswith(f"""\r\n'=2,"'-b",{cell},u\r\n""")


def test_tabs_as_delimiters_are_not_guarded() -> None:
    catalogue_format = a_catalogue_format(
        dialect=Dialect("\t", "utf-8", bom=False, line_end="\n"), header="No\tName\tImage Url\n"
    )
    assert written(catalogue_format, ("\t\t\n", (0,), []), ('1\t"\t=1"\tx\n', (1,), ["u"])).endswith(
        """\t\t\t\n1\t"'\t=1"\tx\tu\n"""
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(",;\"\r\n\t|' =-+", max_size=6)
outputs = st.lists(st.sampled_from(["", "http://o/results/r/a-1.jpg", "http://o/results/r/b-2.png"]), max_size=4)
dialects = st.builds(
    Dialect,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.just("utf-8"),
    bom=st.booleans(),
    line_end=st.sampled_from(["\r\n", "\n", "\r"]),
)
rows = st.lists(st.tuples(st.lists(texts, min_size=3, max_size=3), outputs), max_size=5)


@given(dialect=dialects, rows=rows)
def test_except_for_the_output_column_the_output_is_the_input(
    dialect: Dialect, rows: list[tuple[list[str], list[str]]]
) -> None:
    header = join_record(["No", "Name", "Image Urls"], dialect.delimiter, dialect.line_end)
    catalogue_format = a_catalogue_format(dialect=dialect, header=header)
    records = [
        join_record((raw_cell(cell, dialect.delimiter) for cell in cells), dialect.delimiter, dialect.line_end)
        for cells, _ in rows
    ]

    text = written(
        catalogue_format,
        *((record, (len(slots),), slots) for record, (_, slots) in zip(records, rows, strict=True)),
        guarded=False,
    )

    delimiter, line_end = dialect.delimiter, dialect.line_end
    appended = ["Output Image Urls", *(",".join(slots) for _, slots in rows)]
    wanted = [
        record.removesuffix(line_end) + delimiter + raw_cell(cell, delimiter) + line_end
        for record, cell in zip([header, *records], appended, strict=True)
    ]
    assert text == "\ufeff" * dialect.bom + "".join(wanted)


@given(dialect=dialects, cells=st.lists(texts, min_size=3, max_size=3), slots=outputs)
def test_with_the_guard_every_cell_is_guarded_and_no_other_change_is_made(
    dialect: Dialect, cells: list[str], slots: list[str]
) -> None:
    catalogue_format = a_catalogue_format(
        dialect=dialect, header=join_record(["No", "Name", "Image Urls"], dialect.delimiter, "\n")
    )
    record = join_record((raw_cell(cell, dialect.delimiter) for cell in cells), dialect.delimiter, "\n")

    text = written(catalogue_format, (record, (len(slots),), slots)).removeprefix("\ufeff")

    (_, got) = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, strict=True)
    assert got[3] == ",".join(slots)
    assert got[:3] == [guard(cells[0]), guard(cells[1]), guard_urls(cells[2])]
