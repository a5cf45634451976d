"""Any table in any format that is read, written and parsed with the csv module alone is the same table."""

import codecs
import csv
import io
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from shared.catalogue import Profile, raw_cell
from tests.catalogues.reading import inspected, output_urls, rows_of, written

GENERIC = ("Serial Number", "Product Name", "Input Image Urls", "Caf\u00e9")
# By profile: its header, and which of its columns hold images.
PLATFORMS: dict[Profile, tuple[tuple[str, ...], tuple[int, ...]]] = {
    Profile.SHOPIFY: (("Handle", "Title", "Image Src", "Variant Image", "Caf\u00e9"), (2, 3)),
    Profile.WOOCOMMERCE: (("ID", "Name", "Images", "Caf\u00e9"), (2,)),
    Profile.MAGENTO: (("sku", "name", "base_image", "additional_images", "Caf\u00e9"), (2, 3)),
    Profile.GOOGLE: (("id", "title", "image_link", "additional_image_link", "Caf\u00e9"), (2, 3)),
    Profile.NUMBERED: (("sku", "Product Name", "image_1", "image_2", "Caf\u00e9"), (2, 3)),
}
MARKS = {"cp1252": b"", "utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
Row = tuple[str, ...]


@dataclass(frozen=True)
class Writing:
    """How a table is written."""

    delimiter: str
    encoding: str
    bom: bool
    line_end: str
    quote_all: bool
    preamble: bool

    @property
    def option(self) -> str | None:
        """The encoding of a text without words cannot be guessed."""
        return self.encoding if self.encoding == "cp1252" else None

    def record(self, cells: Row) -> str:
        """Without its line end."""
        quoted = ('"' + cell.replace('"', '""') + '"' for cell in cells)
        return self.delimiter.join(quoted if self.quote_all else (raw_cell(cell, self.delimiter) for cell in cells))

    def file(self, records: list[str], *, ends: bool = True) -> bytes:
        lines = [f"sep={self.delimiter}"] * self.preamble + records
        text = self.line_end.join(lines) + self.line_end * ends
        return MARKS[self.encoding] * self.bom + text.encode(self.encoding)

    def table(self, data: bytes) -> list[list[str]]:
        """The cells as the csv module reads them."""
        text = data.decode(self.encoding).removeprefix("\ufeff" * self.bom)
        text = text.removeprefix(f"sep={self.delimiter}{self.line_end}" * self.preamble)
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True))


@st.composite
def writings(draw: st.DrawFn) -> Writing:
    encoding, bom = draw(
        st.sampled_from(
            [("utf-8", False), ("utf-8", True), ("utf-16-le", True), ("utf-16-be", True), ("cp1252", False)]
        )
    )
    return Writing(
        draw(st.sampled_from(",;\t|")),
        encoding,
        bom,
        draw(st.sampled_from(["\r\n", "\n", "\r"])),
        draw(st.booleans()),
        draw(st.booleans()),
    )


def cells(encoding: str, least: int = 0) -> st.SearchStrategy[str]:
    alphabet = st.characters(codec="cp1252" if encoding == "cp1252" else "utf-8", exclude_characters="\0")
    awkward = st.text(",;\t|\"'\r\n =+-@", min_size=least, max_size=8)
    return st.text(alphabet, min_size=least, max_size=15) | awkward


def rows(encoding: str, width: int) -> st.SearchStrategy[list[Row]]:
    serial = cells(encoding, least=1).filter(lambda text: bool(text.strip()))
    return st.lists(st.tuples(serial, *[cells(encoding)] * (width - 1)), min_size=1, max_size=6)


@given(writing=writings(), ends=st.booleans(), data=st.data())
def test_a_generic_catalogue_gets_one_more_column(writing: Writing, ends: bool, data: st.DataObject) -> None:
    table = [GENERIC, *data.draw(rows(writing.encoding, len(GENERIC)))]
    records = [writing.record(row) for row in table]
    given_ = writing.file(records, ends=ends)

    catalogue_format = inspected(given_, encoding=writing.option).catalogue_format
    read = rows_of(given_, catalogue_format)
    output = written(catalogue_format, read)

    added = ["Output Image Urls", *(",".join(output_urls(row)) for row in read)]
    assert writing.table(output) == [[*row, more] for row, more in zip(table, added, strict=True)]
    longer = [
        record + writing.delimiter + raw_cell(more, writing.delimiter)
        for record, more in zip(records, added, strict=True)
    ]
    assert output == writing.file(longer, ends=ends)
    dialect = catalogue_format.dialect
    assert (dialect.delimiter, dialect.encoding, dialect.bom, dialect.line_end) == (
        writing.delimiter,
        writing.encoding,
        writing.bom,
        writing.line_end,
    )


@given(writing=writings(), profile=st.sampled_from(list(PLATFORMS)), data=st.data())
def test_a_platforms_catalogue_gets_other_images(writing: Writing, profile: Profile, data: st.DataObject) -> None:
    header, images = PLATFORMS[profile]
    url = st.sampled_from(["", "https://a.example/1.jpg", "https://b.example/w_1,h_2/x.png"])
    table: list[Row] = [header]
    table += [
        tuple(data.draw(url) if index in images else cell for index, cell in enumerate(row))
        for row in data.draw(rows(writing.encoding, len(header)))
    ]
    given_ = writing.file([writing.record(row) for row in table])

    catalogue_format = inspected(given_, encoding=writing.option).catalogue_format
    read = rows_of(given_, catalogue_format)
    output = written(catalogue_format, read)

    assert catalogue_format.profile is profile
    assert tuple(column.index for column in catalogue_format.image_columns) == images
    expected = [list(header)]
    for given_cells, taken in zip(table[1:], read, strict=True):
        outputs = iter(output_urls(taken))
        expected.append([next(outputs) if index in images and cell else cell for index, cell in enumerate(given_cells)])
    assert writing.table(output) == expected
