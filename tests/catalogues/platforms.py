"""Import files of shop platforms: their columns and where their images are."""

import codecs

from shared.catalogue import Profile
from tests.catalogues.fixture import A, B, C, Fixture, error, row, slot_error, text

_SHOPIFY = "Handle,Title,Body (HTML),Vendor,Variant SKU,Image Src,Image Position,Image Alt Text"
_GOOGLE = "id\ttitle\tdescription\tlink\timage_link\tadditional_image_link\tprice"

PLATFORMS = (
    Fixture(
        "Shopify: one image per row; rows share a handle",
        text(
            _SHOPIFY,
            f'lamp,Lamp,"<p>Tall, white</p>",Us,L-1,{A},1,A lamp',
            f"lamp,,,,,{B},2,",
            "lamp,,,,,,,",
            f"oak,Oak,,Us,O-1,{C},1,",
        ),
        (row("lamp", "Lamp", A), row("lamp", "Lamp", B), row("lamp", "Lamp", ()), row("oak", "Oak", C)),
        profile=Profile.SHOPIFY,
    ),
    Fixture(
        "Shopify with variant images",
        text("Handle,Title,Image Src,Image Position,Variant Image", f"lamp,Lamp,{A},1,{B}", f"lamp,,{C},2,"),
        (row("lamp", "Lamp", A, B), row("lamp", "Lamp", C, ())),
        profile=Profile.SHOPIFY,
    ),
    Fixture(
        "Shopify's new labels",
        text("Title,URL handle,Product image URL,Image position,Variant image URL", f"Lamp,lamp,{A},1,{B}"),
        (row("lamp", "Lamp", A, B),),
        profile=Profile.SHOPIFY,
    ),
    Fixture(
        "WooCommerce",
        codecs.BOM_UTF8
        + text(
            "ID,Type,SKU,Name,Published,Categories,Images",
            f'11,simple,L-1,Lamp,1,"Home, Light","{A}, {B}"',
            "12,simple,O-1,Oak,1,,",
        ),
        (row("11", "Lamp", (A, B)), row("12", "Oak", ())),
        profile=Profile.WOOCOMMERCE,
        bom=True,
    ),
    Fixture(
        "WooCommerce's escaped commas",
        text("ID,SKU,Name,Images", f'11,L-1,Lamp,"https://a.example/w_10\\,h_20/1.jpg, {B}"'),
        (row("11", "Lamp", ("https://a.example/w_10,h_20/1.jpg", B)),),
        profile=Profile.WOOCOMMERCE,
    ),
    Fixture(
        "WooCommerce with the name of a file in the shop",
        text("ID,SKU,Name,Images", "11,L-1,Lamp,lamp.png"),
        (row("11", "Lamp", "lamp.png"),),
        (slot_error("a file name", 2, "Images"),),
        profile=Profile.WOOCOMMERCE,
    ),
    Fixture(
        "Magento",
        text(
            "sku,product_type,name,base_image,small_image,thumbnail_image,additional_images",
            f'L-1,simple,Lamp,{A},{A},{A},"{B},{C}"',
        ),
        (row("L-1", "Lamp", A, A, A, (B, C)),),
        profile=Profile.MAGENTO,
    ),
    Fixture(
        "Magento with vertical bars between the images",
        text("sku,name,base_image,additional_images", f"L-1,Lamp,{A},{B}|{C}"),
        (row("L-1", "Lamp", A, (B, C)),),
        profile=Profile.MAGENTO,
    ),
    Fixture(
        "Google Merchant with tabs",
        text(_GOOGLE, f"L-1\tLamp\tTall, white\thttps://shop.example/lamp\t{A}\t{B},{C}\t12 EUR"),
        (row("L-1", "Lamp", A, (B, C)),),
        profile=Profile.GOOGLE,
        delimiter="\t",
    ),
    Fixture(
        "Google Merchant's escaped commas",
        text(
            "id,title,image_link,additional_image_link",
            f'L-1,Lamp,https://a.example/w_1%2Ch_2/1.jpg,"{B},https://c.example/a%2Cb.jpg"',
        ),
        (row("L-1", "Lamp", "https://a.example/w_1%2Ch_2/1.jpg", (B, "https://c.example/a%2Cb.jpg")),),
        profile=Profile.GOOGLE,
    ),
    Fixture(
        "Google Merchant without additional images",
        text("id,title,image_link", f"L-1,Lamp,{A}"),
        (row("L-1", "Lamp", A),),
        profile=Profile.GOOGLE,
    ),
    Fixture(
        "numbered columns",
        text("sku,name,image_1,image_2,image_3", f"L-1,Lamp,{A},,{C}", f"O-1,Oak,,{B},"),
        (row("L-1", "Lamp", A, (), C), row("O-1", "Oak", (), B, ())),
        profile=Profile.NUMBERED,
    ),
    Fixture(
        "ten numbered columns in reverse order",
        text(
            "sku,name," + ",".join(f"image_{number}" for number in range(10, 0, -1)),
            "L-1,Lamp," + ",".join(f"https://a.example/{number}.jpg" for number in range(10, 0, -1)),
        ),
        (row("L-1", "Lamp", *(f"https://a.example/{number}.jpg" for number in range(10, 0, -1))),),
        profile=Profile.NUMBERED,
    ),
    Fixture(
        "numbered columns with spaces, and a generic serial number",
        text("Serial Number;Product Name;Image 1;Image 2", f"1;Lamp;{A};{B}"),
        (row("1", "Lamp", A, B),),
        profile=Profile.NUMBERED,
        delimiter=";",
    ),
    Fixture(
        "the generic columns beside a shop's",
        text("SKU,Colour,S. No.,Product Name,Input Image Urls", f"L-1,red,1,Lamp,{A}"),
        (row("1", "Lamp", A),),
    ),
    Fixture(
        "two platforms at once",
        text("Handle,Title,Image Src,ID,SKU,Name,Images", f"lamp,Lamp,{A},11,L-1,Lamp,{A}"),
        findings=(error("shopify", 1),),
    ),
    Fixture(
        "Shopify with a repeated column",
        text("Handle,Title,Image Src,Image Src", f"lamp,Lamp,{A},{B}"),
        findings=(error('"Image Src" and "Image Src"', 1, "Image Src"),),
    ),
)
