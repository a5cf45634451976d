"""The column names of shop platforms, and how a header's names are compared with them. Pure.

Sources: the CSV templates of Shopify, WooCommerce (class-wc-product-csv-importer.php), Magento 2 (Adobe Commerce's data
transfer guide), Google Merchant Center (product data specification) and Amazon's flat files.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from shared.catalogue import Profile

Aliases = frozenset[str]
"""Normalised names of one column."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read. name: its usual spelling.

    fallback_aliases: apply only if no column has one of `aliases`. many: a cell lists several URLs.
    repeated: a file may have several such columns, also with numbers.
    """

    name: str
    aliases: Aliases
    fallback_aliases: Aliases = frozenset()
    many: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a profile. serials: those that can hold the serial number, the best first.

    names: the first that the file has is used. images: all that the file has are used.
    no_image: what a cell without an image contains. escaped: `\\,` in a list is a comma inside a URL.
    rows_share_serial: all rows of a product have its serial number, and the first one has its name.
    """

    serials: tuple[Column, ...]
    names: tuple[Column, ...]
    images: tuple[Column, ...]
    no_image: Aliases = frozenset()
    escaped: bool = False
    rows_share_serial: bool = False


def normalise(name: str) -> str:
    """A column's name without case, spaces and punctuation: "S. No." becomes "sno". A single "#" stays."""
    folded = unicodedata.normalize("NFKC", name).lower()
    return re.sub(r"[^a-z0-9]", "", folded) or folded.strip(" \t\r\n\u00a0\ufeff\u200b")


def _aliases(names: str) -> Aliases:
    return frozenset(normalise(name) for name in names.split(","))


_SERIAL = Column(
    "Serial Number",
    _aliases("serial number, serial no, serial, s no, sr no, sl no, ser no, serial num, no, #"),
    _aliases("sn, sr, nr, number, s number, sr number, row number, row no, line no, item no"),
)
_NAME = Column(
    "Product Name",
    _aliases("product name, product, name"),
    _aliases("title, product title, item, item name, name of product, product names"),
)
_URLS = Column(
    "Input Image Urls",
    _aliases("input image urls, input image url, image urls, image url, product image urls"),
    _aliases("images, image, input images, input image, input urls, input url, urls, url, images urls, images url")
    | _aliases("image links, image link, image src, images src, product images, product image, product image url")
    | _aliases("product images urls, pictures, picture urls, photos, photo urls, img urls, img url, imgs, links"),
    many=True,
)
OUTPUT = Column("Output Image Urls", _aliases("output image urls, output image url"))

PROFILES: Mapping[Profile, Columns] = {
    Profile.GENERIC: Columns((_SERIAL,), (_NAME,), (_URLS,)),
    Profile.SHOPIFY: Columns(
        (Column("Handle", _aliases("handle, url handle")),),
        (Column("Title", _aliases("title")),),
        (
            Column("Image Src", _aliases("image src, product image url")),
            Column("Variant Image", _aliases("variant image, variant image url")),
        ),
        rows_share_serial=True,
    ),
    Profile.WOOCOMMERCE: Columns(
        (Column("ID", _aliases("id")), Column("SKU", _aliases("sku"))),
        (Column("Name", _aliases("name")),),
        (Column("Images", _aliases("images"), many=True),),
        escaped=True,
    ),
    Profile.MAGENTO: Columns(
        (Column("sku", _aliases("sku")),),
        (Column("name", _aliases("name")),),
        (
            Column("base_image", _aliases("base_image")),
            Column("small_image", _aliases("small_image")),
            Column("thumbnail_image", _aliases("thumbnail_image")),
            Column("swatch_image", _aliases("swatch_image")),
            Column("additional_images", _aliases("additional_images"), many=True),
        ),
        no_image=frozenset({"no_selection"}),
    ),
    Profile.GOOGLE: Columns(
        (Column("id", _aliases("id, g:id")),),
        (Column("title", _aliases("title, g:title")),),
        (
            Column("image_link", _aliases("image_link, g:image_link")),
            Column(
                "additional_image_link",
                _aliases("additional_image_link, g:additional_image_link"),
                many=True,
                repeated=True,
            ),
        ),
    ),
    # Its image columns are found by `is_numbered` and `is_main_beside_numbered`.
    Profile.NUMBERED: Columns(
        (
            _SERIAL,
            Column("sku", _aliases("sku, item_sku, seller_sku, product sku, asin")),
            Column("id", _aliases("id, product id, item id, listing id, product_ref, handle")),
        ),
        (_NAME,),
        (),
    ),
}

_IMAGE = r"(?:product|item|listing)?(?:image|img|picture|pic|photo)s?(?:url|link|src|path|locator)?"
_KIND = r"(?:main|additional|other|alternate|alternative|alt|extra|gallery|more)?"
_NUMBERED = re.compile(rf"{_KIND}{_IMAGE}\d{{1,3}}(?:url|link|src)?")
_MAIN_ONLY = re.compile(rf"(?:main|primary|cover){_IMAGE}")
_MAIN = re.compile(rf"(?:main|primary|base|cover){_IMAGE}|(?:image|img|picture|photo)(?:url|link|src)?")


def is_numbered(name: str) -> bool:
    """Whether a normalised name is that of a numbered image column: "image1", "additionalimageurl3"."""
    return _NUMBERED.fullmatch(name) is not None


def is_main_beside_numbered(name: str) -> bool:
    """Whether a normalised name is that of the first image beside numbered ones: "mainimageurl", "image"."""
    return _MAIN.fullmatch(name) is not None


def is_image_name(name: str) -> bool:
    """Whether a normalised name is that of an image column in any profile."""
    return name in _IMAGES or is_numbered(name) or _MAIN_ONLY.fullmatch(name) is not None


def is_known(name: str) -> bool:
    """Whether a normalised name is that of a column in any profile. The delimiter of a header is found by this."""
    return name in _KNOWN or is_numbered(name)


_IMAGES: Aliases = frozenset[str]().union(
    *(column.aliases for columns in PROFILES.values() for column in columns.images),
    _URLS.fallback_aliases,
) - _aliases("url, urls, links, input url, input urls")
"""Without names such as "url", which may be the address of anything."""
_KNOWN: Aliases = frozenset[str]().union(
    OUTPUT.aliases,
    *(
        column.aliases | column.fallback_aliases
        for columns in PROFILES.values()
        for column in (*columns.serials, *columns.names, *columns.images)
    ),
)
