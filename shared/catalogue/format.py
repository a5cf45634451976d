"""The format of an upload, found when it was accepted. The outputs are written in the same format."""

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """The columns that a catalogue has. The values are used in options and responses."""

    GENERIC = "generic"  # serial number, product name, input image URLs
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    MAGENTO = "magento"
    PRESTASHOP = "prestashop"
    BIGCOMMERCE = "bigcommerce"
    EBAY = "ebay"
    AMAZON = "amazon"
    META = "meta"
    GOOGLE = "google"
    NUMBERED = "numbered"  # image_1 … image_10


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the file is written.

    delimiter: one of , ; tab |
    encoding: Python's name of it, utf-8 for example.
    line_end: that of the header; used for records without one.
    preamble: the text before the header, with its line ends: a line that names the delimiter ("sep=;"), titles,
        comments.
    backslash_quotes: quotes inside the upload's cells are written \\". The outputs double them, as RFC 4180 wants it.
    """

    delimiter: str
    encoding: str
    bom: bool
    line_end: str
    preamble: str = ""
    backslash_quotes: bool = False


@dataclass(frozen=True, slots=True)
class ImageColumn:
    """A column of input image URLs. many: a cell lists several."""

    index: int
    many: bool


@dataclass(frozen=True, slots=True)
class CatalogueFormat:
    """How a catalogue is written and which of its columns matter.

    header: the header's record with its line end, without blank cells at its end. width: its number of cells.
    image_columns: in the order of the slots.
    output_column: index of an existing column for output URLs; None if there is none.
    """

    profile: Profile
    dialect: Dialect
    header: str
    width: int
    image_columns: tuple[ImageColumn, ...]
    output_column: int | None = None

    @property
    def in_place(self) -> bool:
        """Whether output URLs replace input URLs, so that a shop can import the output file."""
        return self.profile is not Profile.GENERIC
