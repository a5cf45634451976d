"""Keeps text of a catalogue from running as a formula when the output is opened in a spreadsheet. Pure."""

import re

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
"""A formula begins with one of these, plain or in full width (as East Asian keyboards type them)."""

_STARTS_FORMULA = (*SIGNS, "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-](?:[0-9]+(?:[.,][0-9]+)*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?%?")
_URL = re.compile(r"\s*https?://", re.IGNORECASE)


def guard(cell: str) -> str:
    """The cell, with a leading "'" if a spreadsheet would run it. Numbers, single signs and lists of URLs stay.

    A leading tab or line break is guarded too, because spreadsheets skip it. So are full-width signs, which some
    spreadsheets treat as the plain ones.
    """
    if not cell.startswith(_STARTS_FORMULA) or _is_harmless(cell):
        return cell
    return f"'{cell}"


def _is_harmless(cell: str) -> bool:
    is_single_sign = len(cell.strip()) <= 1  # "-" often means "none"
    return is_single_sign or _NUMBER.fullmatch(cell) is not None or _URL.match(cell) is not None


def guard_urls(cell: str) -> str:
    """Guard a cell of a URL column: text that can be a URL of any kind stays as it is."""
    return guard(cell) if cell.lstrip().startswith(tuple(SIGNS)) else cell
