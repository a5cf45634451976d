"""How shop platforms call the columns that matter. Data, and how a header's names are compared with it. Pure.

Sources: the CSV templates of Shopify, WooCommerce (class-wc-product-csv-importer.php), Magento 2 (Adobe Commerce's data
transfer guide), Google Merchant Center (product data specification) and Amazon's flat files.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from shared.catalogue import Profile

Spellings = frozenset[str]
"""Names as `plain` has them, that mean the same."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that matters. name: how it is usually spelled.

    weak: spellings that mean it only if no other column does. many: it lists several URLs in a cell.
    repeated: there may be several of it, perhaps with numbers.
    """

    name: str
    spellings: Spellings
    weak: Spellings = frozenset()
    many: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """What a profile's columns are. serials: those that can stand for the serial number, the best first.

    names, images: each that the file has is used. no_image: what a cell without an image says.
    escaped: `\\,` is a comma inside a URL of its lists.
    rows_share_serial: the rows of a product all have its serial number, and the first has its name.
    """

    serials: tuple[Column, ...]
    names: tuple[Column, ...]
    images: tuple[Column, ...]
    no_image: Spellings = frozenset()
    escaped: bool = False
    rows_share_serial: bool = False


def plain(name: str) -> str:
    """A column's name without case, spaces and punctuation: "S. No." is "sno". A lone "#" stays."""
    folded = unicodedata.normalize("NFKC", name).lower()
    return re.sub(r"[^a-z0-9]", "", folded) or folded.strip(" \t\r\n\u00a0\ufeff\u200b")


def _are(spellings: str) -> Spellings:
    return frozenset(plain(spelling) for spelling in spellings.split(","))


_SERIAL = Column(
    "Serial Number",
    _are("serial number, serial no, serial, s no, sr no, sl no, ser no, serial num, no, #"),
    _are("sn, sr, nr, number, s number, sr number, row number, row no, line no, item no"),
)
_NAME = Column(
    "Product Name",
    _are("product name, product, name"),
    _are("title, product title, item, item name, name of product, product names"),
)
_URLS = Column(
    "Input Image Urls",
    _are("input image urls, input image url, image urls, image url, product image urls"),
    _are("images, image, input images, input image, input urls, input url, urls, url, images urls, images url")
    | _are("image links, image link, image src, images src, product images, product image, product image url")
    | _are("product images urls, pictures, picture urls, photos, photo urls, img urls, img url, imgs, links"),
    many=True,
)
OUTPUT = Column("Output Image Urls", _are("output image urls, output image url"))

PROFILES: Mapping[Profile, Columns] = {
    Profile.GENERIC: Columns((_SERIAL,), (_NAME,), (_URLS,)),
    Profile.SHOPIFY: Columns(
        (Column("Handle", _are("handle, url handle")),),
        (Column("Title", _are("title")),),
        (
            Column("Image Src", _are("image src, product image url")),
            Column("Variant Image", _are("variant image, variant image url")),
        ),
        rows_share_serial=True,
    ),
    Profile.WOOCOMMERCE: Columns(
        (Column("ID", _are("id")), Column("SKU", _are("sku"))),
        (Column("Name", _are("name")),),
        (Column("Images", _are("images"), many=True),),
        escaped=True,
    ),
    Profile.MAGENTO: Columns(
        (Column("sku", _are("sku")),),
        (Column("name", _are("name")),),
        (
            Column("base_image", _are("base_image")),
            Column("small_image", _are("small_image")),
            Column("thumbnail_image", _are("thumbnail_image")),
            Column("swatch_image", _are("swatch_image")),
            Column("additional_images", _are("additional_images"), many=True),
        ),
        no_image=frozenset({"no_selection"}),
    ),
    Profile.GOOGLE: Columns(
        (Column("id", _are("id, g:id")),),
        (Column("title", _are("title, g:title")),),
        (
            Column("image_link", _are("image_link, g:image_link")),
            Column(
                "additional_image_link",
                _are("additional_image_link, g:additional_image_link"),
                many=True,
                repeated=True,
            ),
        ),
    ),
    # Its image columns are whatever `is_numbered` says, and what stands for the first of them.
    Profile.NUMBERED: Columns(
        (
            _SERIAL,
            Column("sku", _are("sku, item_sku, seller_sku, product sku, asin")),
            Column("id", _are("id, product id, item id, listing id, product_ref, handle")),
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
    """Whether a plain name is one of numbered image columns: "image1", "additionalimageurl3"."""
    return _NUMBERED.fullmatch(name) is not None


def is_main_beside_numbered(name: str) -> bool:
    """Whether a plain name is the first image where the others are numbered: "mainimageurl", "image"."""
    return _MAIN.fullmatch(name) is not None


def is_image_name(name: str) -> bool:
    """Whether a plain name is that of image URLs to any profile."""
    return name in _IMAGES or is_numbered(name) or _MAIN_ONLY.fullmatch(name) is not None


def is_known(name: str) -> bool:
    """Whether a plain name means something to any profile; says which delimiter is a header's own."""
    return name in _KNOWN or is_numbered(name)


_IMAGES: Spellings = frozenset[str]().union(
    *(column.spellings for columns in PROFILES.values() for column in columns.images),
    _URLS.weak,
) - _are("url, urls, links, input url, input urls")
"""The last may be of anything."""
_KNOWN: Spellings = frozenset[str]().union(
    OUTPUT.spellings,
    *(
        column.spellings | column.weak
        for columns in PROFILES.values()
        for column in (*columns.serials, *columns.names, *columns.images)
    ),
)
