"""Limits of a catalogue. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CatalogueLimits:
    """The most that a catalogue may hold. The settings CSV_MAX_… take their defaults from here.

    rows: data rows. columns: of the header. cell_chars, row_chars: characters in a cell and in a row.
    slots_per_row: image URLs in a row. The limits of a row keep its database record below MongoDB's 16 MB.
    """

    rows: int = 5_000_000
    columns: int = 1_000
    cell_chars: int = 1_000_000
    row_chars: int = 2_000_000
    slots_per_row: int = 10_000
