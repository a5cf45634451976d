"""The examples in docs/csv.md are read as the guide says. Its tables are generated (`make docs`)."""

import re

import pytest

from tests.catalogues.reading import inspected, rows_of
from tests.support.tree import ROOT

_GUIDE = (ROOT / "docs" / "csv.md").read_text()
_EXAMPLES = re.findall(r"```csv\n(.*?)```", _GUIDE, re.DOTALL)


@pytest.mark.parametrize("example", _EXAMPLES)
def test_an_example_can_be_uploaded(example: str) -> None:
    assert inspected(example.encode()).refused_slots == 0


def test_the_example_of_urls_with_commas_has_two_urls() -> None:
    [example] = [text for text in _EXAMPLES if "cdn.example" in text]
    [row] = rows_of(example.encode(), inspected(example.encode()).catalogue_format)
    assert row.urls == ("https://cdn.example/w_100,h_80/1.jpg", "https://cdn.example/w_100,h_80/2.jpg")
