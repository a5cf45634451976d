"""Import files of shop platforms: their columns and where their images are."""

import codecs

from shared.catalogue import Profile
from tests.catalogues.fixture import A, B, C, Fixture, error, row, slot_error, text, warning

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
        "PrestaShop's sample file",
        text(
            "Product ID;Active (0/1);Name *;Categories (x,y,z...);Price tax excluded;Reference #;"
            "Image URLs (x,y,z...);Image alt texts (x,y,z...)",
            f"1;1;Lamp;Home,Light;12.5;L-1;{A},{B};",
            ";1;Oak;Home;99;O-1;;",
        ),
        (row("1", "Lamp", (A, B)), row("O-1", "Oak", ())),
        profile=Profile.PRESTASHOP,
        delimiter=";",
    ),
    Fixture(
        "PrestaShop in French",
        text("ID;Actif (0/1);Nom *;URL des images (x,y,z...)", f"1;1;Lampe;{A},{B}"),
        (row("1", "Lampe", (A, B)),),
        profile=Profile.PRESTASHOP,
        delimiter=";",
    ),
    Fixture(
        "BigCommerce: rows of images follow their product",
        text(
            "Item,ID,Name,Type,SKU,Options,Variant Image URL,Internal Image URL (Export),Image URL (Import),"
            "Image is Thumbnail",
            "Product,77,Lamp,physical,L-1,,,,,",
            f"Variant,,,,L-1-R,Colour=red,{C},,,",
            f"Image,,,,,,,,{A},TRUE",
            f"Image,,,,,,,{B},,FALSE",
            "Product,,Oak,physical,,,,,,",
            f"Image,,,,,,,,{A},TRUE",
        ),
        (
            row("L-1", "Lamp", (), (), ()),
            row("L-1-R", "Lamp", C, (), ()),
            row("L-1", "Lamp", (), (), A),
            row("L-1", "Lamp", (), B, ()),
            row("", "Oak", (), (), ()),
            row("", "Oak", (), (), A),
        ),
        profile=Profile.BIGCOMMERCE,
    ),
    Fixture(
        "BigCommerce's earlier form",
        text(
            "Item Type,Product ID,Product Name,Product Code/SKU,Product Image File - 1,Product Image Description - 1,"
            "Product Image Sort - 1,Product Image File - 2",
            f"Product,77,Lamp,L-1,{A},A lamp,0,{B}",
        ),
        (row("L-1", "Lamp", A, B),),
        profile=Profile.BIGCOMMERCE,
    ),
    Fixture(
        "BigCommerce's export with files and URLs: the files are in the shop",
        text(
            "Product ID,Product Name,Product Code/SKU,Product Image File - 1,Product Image URL - 1",
            f"77,Lamp,L-1,d/123/lamp.jpg,{A}",
        ),
        (row("L-1", "Lamp", A),),
        (warning("looks like a column of image URLs", 1, "Product Image File - 1"),),
        profile=Profile.BIGCOMMERCE,
    ),
    Fixture(
        "eBay's Seller Hub",
        text(
            "*Action(SiteID=US|Country=US|Currency=USD|Version=1193|CC=UTF-8),Custom label (SKU),Category ID,Title,"
            "Start price,Item photo URL,Condition ID",
            f"Add,L-1,112581,Lamp,9.99,{A}|{B},1000",
        ),
        (row("L-1", "Lamp", (A, B)),),
        profile=Profile.EBAY,
    ),
    Fixture(
        "eBay's File Exchange",
        text(
            "*Action(SiteID=Germany|Country=DE|Currency=EUR|Version=745|CC=UTF-8);ItemID;CustomLabel;*Title;PicURL",
            f"Revise;112233;L-1;Lampe;{A}|{B}",
        ),
        (row("L-1", "Lampe", (A, B)),),
        profile=Profile.EBAY,
        delimiter=";",
    ),
    Fixture(
        "Amazon's inventory file",
        text(
            "item_sku\titem_name\tmain_image_url\tother_image_url1\tother_image_url2\tswatch_image_url",
            f"L-1\tLamp\t{A}\t{B}\t\t{C}",
        ),
        (row("L-1", "Lamp", A, B, (), C),),
        profile=Profile.AMAZON,
        delimiter="\t",
    ),
    Fixture(
        "Amazon's listing template with qualified names",
        text(
            "contribution_sku#1.value,item_name[marketplace_id=A1][language_tag=en_GB]#1.value,"
            "main_product_image_locator[marketplace_id=A1]#1.media_location,"
            "other_product_image_locator_1[marketplace_id=A1]#1.media_location",
            f"L-1,Lamp,{A},{B}",
        ),
        (row("L-1", "Lamp", A, B),),
        profile=Profile.AMAZON,
    ),
    Fixture(
        "Meta with columns in the syntax of JSON paths",
        text("id,title,availability,image[0].url,image[0].tag[0],image[1].url", f"L-1,Lamp,in stock,{A},front,{B}"),
        (row("L-1", "Lamp", A, B),),
        profile=Profile.META,
    ),
    Fixture(
        "Meta with all kinds of image columns",
        text("id,title,image_link,additional_image_link,image[1].url", f'L-1,Lamp,{A},"{A},{B}",{C}'),
        (row("L-1", "Lamp", A, (A, B), C),),
        profile=Profile.META,
    ),
    Fixture(
        "eBay's template of drafts with its rows of information",
        text(
            "#INFO,Version=0.0.2,Template= eBay-draft-listings-template_US,,,,",
            "#INFO Action and Category ID are required fields.,,,,,,",
            "#INFO,,,,,,",
            "Action(SiteID=US|Country=US),Custom label (SKU),Category ID,Title,Price,Item photo URL,Format",
            f"Draft,L-1,47140,Lamp,9,{A}|{B},FixedPrice",
        ),
        (row("L-1", "Lamp", (A, B)),),
        (warning("passed over: 3", 1),),
        profile=Profile.EBAY,
    ),
    Fixture(
        "Amazon's template with its settings and labels",
        text(
            "TemplateType=fptcustom\tVersion=2021.1014\tThe top 3 rows are for Amazon.com use only.\t\t",
            "Seller SKU\tProduct Name\tProduct Type\tMain Image URL\tOther Image URL1",
            "item_sku\titem_name\tfeed_product_type\tmain_image_url\tother_image_url1",
            f"L-1\tLamp\tlamp\t{A}\t{B}",
        ),
        (row("L-1", "Lamp", A, B),),
        (warning("passed over: 2", 1),),
        profile=Profile.AMAZON,
        delimiter="\t",
    ),
    Fixture(
        "Meta's template with its row of comments",
        text(
            '"# Required | The unique ID of the item. | Limit: 100",# Required | The name.,# Required | Its image.,'
            '"# Optional | Up to 20, separated by commas."',
            "id,title,image_link,additional_image_link",
            f'L-1,Lamp,{A},"{B},{C}"',
        ),
        (row("L-1", "Lamp", A, (B, C)),),
        (warning("passed over: 1", 1),),
        profile=Profile.GOOGLE,
    ),
    Fixture(
        "Etsy's listings",
        text("TITLE,DESCRIPTION,PRICE,CURRENCY_CODE,IMAGE1,IMAGE2,IMAGE3,SKU", f"Lamp,Tall,9,EUR,{A},{B},,L-1"),
        (row("L-1", "Lamp", A, B, ()),),
        profile=Profile.NUMBERED,
    ),
    Fixture(
        "Walmart's items",
        text("SKU,Product Name,Main Image URL,Additional Image URL 1", f"L-1,Lamp,{A},{B}"),
        (row("L-1", "Lamp", A, B),),
        profile=Profile.NUMBERED,
    ),
    Fixture(
        "Squarespace's products",
        text(
            "Product ID [Non Editable],Variant ID [Non Editable],Product Type [Non Editable],Title,SKU,"
            "Hosted Image URLs",
            f"5f,60,PHYSICAL,Lamp,L-1,{A} {B}",
        ),
        (row("L-1", "Lamp", (A, B)),),
        (warning('"SKU" was taken', 1, "SKU"),),
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
