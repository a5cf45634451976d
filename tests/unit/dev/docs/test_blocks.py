"""Every generated table is complete: no cell that should hold a meaning is empty."""

import re

import pytest

from dev.docs.registry import BLOCKS


@pytest.mark.parametrize("name", BLOCKS)
def test_every_row_ends_with_a_meaning(name: str) -> None:
    rows = [line for line in BLOCKS[name]().splitlines() if line.startswith("|")][2:]

    assert rows
    assert [row for row in rows if not re.search(r"\S \|$", row)] == []
