"""What was found out about an upload's form when it was accepted, so that its outputs can be given the same."""

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """Whose columns a catalogue has; the words stand in options and answers."""

    GENERIC = "generic"  # serial number, product name, input image URLs
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    MAGENTO = "magento"
    GOOGLE = "google"
    NUMBERED = "numbered"  # image_1 … image_10


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the file is written.

    delimiter: one of , ; tab |
    encoding: Python's name, one of utf-8, utf-16-le, utf-16-be and cp1252.
    line_end: of the header's record; records that have none of their own get it.
    preamble: the line before the header that names the delimiter ("sep=;"), as given, with its line end; mostly "".
    """

    delimiter: str
    encoding: str
    bom: bool
    line_end: str
    preamble: str = ""


@dataclass(frozen=True, slots=True)
class ImageColumn:
    """A column that holds input image URLs. many: it lists several in a cell."""

    index: int
    many: bool


@dataclass(frozen=True, slots=True)
class CatalogueFormat:
    """header: its record as given, with its line end, without blank cells at the end. width: how many cells it has.

    image_columns: in the order of the slots.
    output_column: where the catalogue already has a column for output URLs; None if it has none.
    """

    profile: Profile
    dialect: Dialect
    header: str
    width: int
    image_columns: tuple[ImageColumn, ...]
    output_column: int | None = None

    @property
    def in_place(self) -> bool:
        """Whether output URLs take the place of the input's, so that the file can be imported straight back."""
        return self.profile is not Profile.GENERIC
