"""How many products are filled and written in one go: as many as fit, by rows, slots and text. Pure."""

from shared.contracts.records import Product

_ROWS = 250
SLOTS = 2000  # a single cell may list thousands of URLs
_CHARACTERS = 1_000_000  # a single row may have twice as many


class Batch:
    """Products to be written together, until it is full by any of the three."""

    def __init__(self) -> None:
        self._products: list[Product] = []
        self._slots = 0
        self._characters = 0

    @property
    def is_full(self) -> bool:
        return len(self._products) >= _ROWS or self._slots >= SLOTS or self._characters >= _CHARACTERS

    def add(self, product: Product) -> None:
        self._products.append(product)
        self._slots += len(product.input_image_urls)
        self._characters += len(product.record)

    def take(self) -> list[Product]:
        """What was added, in that order; the portion is empty then."""
        products = self._products
        self._products, self._slots, self._characters = [], 0, 0
        return products
