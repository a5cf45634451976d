"""Writes the shop's catalogue as CSV and reads the output CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

URLS_IN = "Input Image Urls"
URLS_OUT = "Output Image Urls"

# One photograph occurs in two rows; one row has a single photograph.
PRODUCTS: Sequence[tuple[str, Sequence[str]]] = (
    ("Astronaut poster", ["astronaut.jpg", "astronaut-large.jpg", "astronaut.tif", "rocket.jpg"]),
    ("Coffee, ground", ["coffee.avif"]),
    ("Cat mug", ["cat.jpg", "cat.gif", "coffee.jpg"]),
    ("Night sky calendar", ["galaxies.jpg", "rocket.jpg"]),
    ('Motorcycle model, 12"', ["motorcycle.png", "motorcycle-right.webp"]),
    ("Collector's box", ["coins.jpg", "retina.jpg"]),
)


@dataclass(frozen=True)
class Slot:
    """One input URL of one row, and the output URL in the same place."""

    row: int
    position: int
    url_in: str
    url_out: str


def write_catalogue(shop_url: str) -> str:
    """The catalogue of a shop at `shop_url`."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["Serial Number", "Product Name", URLS_IN])
    for number, (product, photos) in enumerate(PRODUCTS, start=1):
        rows.writerow([number, product, ",".join(f"{shop_url}/{photo}" for photo in photos)])
    return text.getvalue()


def read_slots(output: str, catalogue: str) -> list[Slot]:
    """The slots of an output CSV.

    Raises:
        ValueError: its rows or slots do not match the catalogue's.
    """
    given = list(csv.DictReader(io.StringIO(catalogue)))
    rows = list(csv.DictReader(io.StringIO(output)))
    if [{name: row.get(name) for name in given[0]} for row in rows] != given:
        raise ValueError("the output CSV does not have the catalogue's rows and columns in order")
    return [
        Slot(number, position, url_in.strip(), url_out.strip())
        for number, row in enumerate(rows, start=1)
        for position, (url_in, url_out) in enumerate(_pairs(row), start=1)
    ]


def _pairs(row: dict[str, str]) -> list[tuple[str, str]]:
    return list(zip(row[URLS_IN].split(","), row[URLS_OUT].split(","), strict=True))
