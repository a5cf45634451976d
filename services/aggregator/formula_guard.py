"""Text from a catalogue must not become a formula when somebody opens the output in a spreadsheet. Pure."""

import re

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-](?:[0-9]+(?:[.,][0-9]+)*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?%?")
_URL = re.compile(r"\s*https?://", re.IGNORECASE)


def guard(cell: str) -> str:
    """The cell, with a leading "'" if a spreadsheet would run it. Numbers and cells that list URLs stay as they are.

    A tab or line break at the start counts too: spreadsheets skip it and look at what follows.
    """
    if not cell.startswith(_STARTS_FORMULA) or _NUMBER.fullmatch(cell) or _URL.match(cell):
        return cell
    return f"'{cell}"
