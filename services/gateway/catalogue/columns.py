"""What a column is called, and how the names of a header are compared with it. Pure."""

import re
import unicodedata
from dataclasses import dataclass

Aliases = frozenset[str]
"""Normalised names of one column."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read. name: its usual spelling.

    fallbacks: names by their likelihood; each set applies only if no column has a name before it.
    last_resorts: fallbacks of another meaning, which only a generic file uses, with a warning.
    many: a cell lists several URLs.
    pattern: matches normalised names instead of `aliases`; a file may have several such columns.
    unless: the column is not read if a normalised name matches this.
    """

    name: str
    aliases: Aliases
    fallbacks: tuple[Aliases, ...] = ()
    last_resorts: tuple[Aliases, ...] = ()
    many: bool = False
    pattern: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None

    @property
    def all_names(self) -> Aliases:
        return self.aliases.union(*self.fallbacks, *self.last_resorts)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a profile. serials: those that can hold the serial number, the best first.

    names: the first that the file has is used. images: all that the file has are used.
    no_image: what a cell without an image contains. escaped: `\\,` in a list is a comma inside a URL.
    rows_share_serial: a product may have several rows, of which the first has its name.
    rows_continue: a row without a name belongs to the product above; it has that serial number unless it has its own.
    marks: the profile is detected only if a normalised name matches this.
    """

    serials: tuple[Column, ...]
    names: tuple[Column, ...]
    images: tuple[Column, ...]
    no_image: Aliases = frozenset()
    escaped: bool = False
    rows_share_serial: bool = False
    rows_continue: bool = False
    marks: re.Pattern[str] | None = None


# Possessive and without nested brackets: a hostile name takes linear time.
_AMAZON_PARTS = re.compile(r"\[[^\[\]=]*+=[^\[\]]*+\]|#\d++\.[a-z_]++\Z")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "\u0131": "i", "æ": "ae", "œ": "oe", "ß": "ss"})


def normalise(name: str) -> str:
    """A column's name without case, accents, spaces and punctuation: "S. No." becomes "sno". A single "#" stays.

    Amazon's qualifiers are left out: "item_name[marketplace_id=A1]#1.value" becomes "itemname".
    """
    folded = unicodedata.normalize("NFKC", name).lower()
    if not folded.isascii():
        folded = "".join(filter(_is_plain, unicodedata.normalize("NFKD", folded.translate(_LETTERS))))
    if "[" in folded or "#" in folded:
        folded = _AMAZON_PARTS.sub("", folded)
    return "".join(filter(str.isalnum, folded)) or folded.strip(" \t\r\n\u00a0\ufeff\u200b")


def _is_plain(character: str) -> bool:
    return not unicodedata.combining(character)


def aliases(names: str) -> Aliases:
    """The normalised names of a list that is separated by commas."""
    return frozenset(normalise(name) for name in names.split(",") if name.strip())
