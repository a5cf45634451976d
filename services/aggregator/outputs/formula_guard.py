"""Text from a catalogue must not become a formula when somebody opens the output in a spreadsheet. Pure."""

import re

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
"""A formula begins with one of these: plain, or in full width, as East Asian keyboards type them."""

_STARTS_FORMULA = (*SIGNS, "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-](?:[0-9]+(?:[.,][0-9]+)*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?%?")
_URL = re.compile(r"\s*https?://", re.IGNORECASE)


def guard(cell: str) -> str:
    """The cell, with a leading "'" if a spreadsheet would run it. Numbers, lone signs and lists of URLs stay.

    A tab or line break at the start counts too: spreadsheets skip it and look at what follows. So do the full-width
    signs, which some spreadsheets take for the plain ones.
    """
    if not cell.startswith(_STARTS_FORMULA) or _is_harmless(cell):
        return cell
    return f"'{cell}"


def _is_harmless(cell: str) -> bool:
    lone = len(cell.strip()) <= 1  # as a "-" says that there is nothing
    return lone or _NUMBER.fullmatch(cell) is not None or _URL.match(cell) is not None


def guard_urls(cell: str) -> str:
    """The same for a cell of a column of URLs: whatever could be one, of any kind, stays as it is."""
    return guard(cell) if cell.lstrip().startswith(tuple(SIGNS)) else cell
