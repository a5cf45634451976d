"""The columns of shop platforms' files, and the names of image columns in all of them. Pure.

Sources: the CSV templates and importers of Shopify, WooCommerce (class-wc-product-csv-importer.php), Magento 2 (Adobe
Commerce's data transfer guide), PrestaShop (AdminImportController), BigCommerce (its forms v2 and v3), eBay (File
Exchange and Seller Hub), Amazon (inventory files and listing templates), Meta (catalogue fields) and Google Merchant
Center (product data specification).
"""

import re
from collections.abc import Mapping

from services.gateway.catalogue.columns import Aliases, Column, Columns, aliases, normalise
from services.gateway.catalogue.generic_columns import NAME, NOT_ONLY_IMAGES, OUTPUT, SERIAL, URLS
from shared.catalogue import Profile

_TITLE = Column("title", aliases("title, g:title"))
_ID = Column("id", aliases("id, g:id"))
_IMAGE_LINK = Column("image_link", aliases("image_link, g:image_link"))
_ADDITIONAL_IMAGE_LINK = Column(
    "additional_image_link", frozenset(), many=True, pattern=re.compile(r"g?additionalimagelink\d*")
)
_META_IMAGE = re.compile(r"image\d+url")
_BIGCOMMERCE_URL = re.compile(r"productimageurl\d+")
_BIGCOMMERCE_FILE = re.compile(r"productimagefile\d+")

PROFILES: Mapping[Profile, Columns] = {
    Profile.GENERIC: Columns((SERIAL,), (NAME,), (URLS,)),
    Profile.SHOPIFY: Columns(
        (Column("Handle", aliases("handle, url handle")),),
        (Column("Title", aliases("title")),),
        (
            Column("Image Src", aliases("image src, product image url")),
            Column("Variant Image", aliases("variant image, variant image url")),
        ),
        rows_share_serial=True,
    ),
    Profile.WOOCOMMERCE: Columns(
        (Column("ID", aliases("id")), Column("SKU", aliases("sku"))),
        (Column("Name", aliases("name")),),
        (Column("Images", aliases("images"), many=True),),
        escaped=True,
    ),
    Profile.MAGENTO: Columns(
        (Column("sku", aliases("sku")),),
        (Column("name", aliases("name")),),
        (
            Column("base_image", aliases("base_image")),
            Column("small_image", aliases("small_image")),
            Column("thumbnail_image", aliases("thumbnail_image")),
            Column("swatch_image", aliases("swatch_image")),
            Column("additional_images", aliases("additional_images"), many=True),
        ),
        no_image=frozenset({"no_selection"}),
    ),
    Profile.PRESTASHOP: Columns(
        (
            Column("Product ID", aliases("product id, id, id produit, produkt id, id del producto, id prodotto")),
            Column("Reference #", aliases("reference, référence, referencia, riferimento, referenz")),
        ),
        (Column("Name *", aliases("name, nom, nombre, nome")),),
        (
            Column(
                "Image URLs (x,y,z...)",
                aliases("image urls (x;y;z...), url des images (x;y;z...), bild urls (x;y;z...)")
                | aliases("urls de las imágenes (x;y;z...), url delle immagini (x;y;z...)"),
                many=True,
            ),
        ),
    ),
    Profile.BIGCOMMERCE: Columns(
        (
            Column("SKU", aliases("sku, product code/sku")),
            Column("ID", aliases("id, product id")),
        ),
        (Column("Name", aliases("name, product name")),),
        (
            Column("Variant Image URL", aliases("variant image url")),
            Column("Internal Image URL (Export)", aliases("internal image url (export)")),
            Column("Image URL (Import)", aliases("image url (import)")),
            Column("Product Image URL - 1", frozenset(), pattern=_BIGCOMMERCE_URL),
            Column("Product Image File - 1", frozenset(), pattern=_BIGCOMMERCE_FILE, unless=_BIGCOMMERCE_URL),
        ),
        rows_share_serial=True,
        rows_continue=True,
        marks=re.compile(r"internalimageurlexport|imageurlimport|productimage(?:url|file)\d+"),
    ),
    Profile.EBAY: Columns(
        (
            Column("Custom label (SKU)", aliases("custom label (sku), custom label")),
            Column("Item number", aliases("item number, item id")),
        ),
        (Column("Title", aliases("title")),),
        (Column("Item photo URL", aliases("item photo url, pic url"), many=True),),
    ),
    Profile.AMAZON: Columns(
        (
            Column("item_sku", aliases("item_sku, seller_sku, contribution_sku, vendor_sku")),
            Column("asin", aliases("asin, asin1")),
        ),
        (Column("item_name", aliases("item_name, product name, title")),),
        (
            Column("main_image_url", aliases("main_image_url, main_product_image_locator")),
            Column(
                "other_image_url1",
                frozenset(),
                pattern=re.compile(r"otherimageurl\d+|otherproductimagelocator\d+"),
            ),
            Column("main_offer_image_locator", aliases("main_offer_image_locator")),
            Column("other_offer_image_locator_1", frozenset(), pattern=re.compile(r"otherofferimage(?:locator)?\d+")),
            Column("swatch_image_url", aliases("swatch_image_url, swatch_product_image_locator")),
        ),
    ),
    # Meta reads Google's columns too; a file that has only these is Google's.
    Profile.META: Columns(
        (_ID,),
        (_TITLE,),
        (
            Column("image[0].url", frozenset(), pattern=_META_IMAGE),
            _IMAGE_LINK,
            _ADDITIONAL_IMAGE_LINK,
        ),
        marks=_META_IMAGE,
    ),
    Profile.GOOGLE: Columns((_ID,), (_TITLE,), (_IMAGE_LINK, _ADDITIONAL_IMAGE_LINK)),
    # Its image columns are found by `is_numbered` and `is_main_beside_numbered`.
    Profile.NUMBERED: Columns(
        (
            SERIAL,
            Column("sku", aliases("sku, item_sku, seller_sku, product sku, asin")),
            Column("id", aliases("id, product id, item id, listing id, product_ref, handle")),
        ),
        (NAME,),
        (),
    ),
}

_IMAGE = r"(?:product|item|listing)?(?:image|img|picture|pic|photo)s?(?:url|link|src|path|locator)?"
_KIND = r"(?:main|additional|other|alternate|alternative|alt|extra|gallery|more)?"
_NUMBERED = re.compile(rf"{_KIND}{_IMAGE}\d{{1,3}}(?:url|link|src)?")
_MAIN_ONLY = re.compile(rf"(?:main|primary|cover){_IMAGE}")
_MAIN = re.compile(rf"(?:main|primary|base|cover){_IMAGE}|(?:image|img|picture|photo)(?:url|link|src)?")


def read_name(name: str) -> str:
    """A column's normalised name; of one in two alphabets, "商品名 Product Name", the Latin part if that is known."""
    full = normalise(name)
    if full.isascii() or is_known(full):
        return full
    latin = "".join(filter(str.isascii, full))
    return latin if is_known(latin) else full


def is_numbered(name: str) -> bool:
    """Whether a normalised name is that of a numbered image column: "image1", "additionalimageurl3"."""
    return _NUMBERED.fullmatch(name) is not None


def is_main_beside_numbered(name: str) -> bool:
    """Whether a normalised name is that of the first image beside numbered ones: "mainimageurl", "image"."""
    return _MAIN.fullmatch(name) is not None


def is_image_name(name: str) -> bool:
    """Whether a normalised name is that of an image column in any profile, and hardly that of anything else."""
    return name in _IMAGES or _has_image_pattern(name)


def is_known(name: str) -> bool:
    """Whether a normalised name is that of a column in any profile. The delimiter of a header is found by this."""
    return name in _KNOWN or _has_image_pattern(name)


def _has_image_pattern(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in _IMAGE_PATTERNS)


_IMAGE_COLUMNS = [column for columns in PROFILES.values() for column in columns.images]
_IMAGE_PATTERNS = frozenset({_NUMBERED, _MAIN_ONLY, *(column.pattern for column in _IMAGE_COLUMNS if column.pattern)})
_IMAGES: Aliases = (
    frozenset[str]().union(*(column.aliases.union(*column.fallbacks) for column in _IMAGE_COLUMNS)) - NOT_ONLY_IMAGES
)
_OTHER_COLUMNS = [column for columns in PROFILES.values() for column in (*columns.serials, *columns.names)]
_KNOWN: Aliases = OUTPUT.aliases.union(*(column.all_names for column in (*_IMAGE_COLUMNS, *_OTHER_COLUMNS)))
