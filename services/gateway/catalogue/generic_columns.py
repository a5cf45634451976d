"""The names of the three required columns, as people and programs write them in several languages. Pure.

The users' document names them: serial number, product name, input image URLs. The other names are those of exports of
shops, spreadsheets and enterprise systems, in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish,
Russian, Japanese, Chinese and Korean.
"""

from services.gateway.catalogue.columns import Column, aliases

SERIAL = Column(
    "Serial Number",
    aliases("serial number, serial no, serial, s no, sr no, sl no, ser no, serial num, no, #"),
    (
        aliases("sn, sr, nr, number, s number, sr number, row number, row no, line no, item no"),
        aliases("lfd nr, pos, lp, n"),
    ),
    (
        aliases(
            """sku, item sku, product sku, seller sku, variant sku, item number, item id number, product number,
            product no, article number, article no, article nr, part number, part no, item code, product code,
            artikelnummer, artikelnr, artikel nr, art nr, art no, bestellnummer, produktnummer, teilenummer,
            numéro d'article, code article, référence article, code produit, référence produit,
            código de artículo, código de producto, codice articolo, codice prodotto,
            código do artigo, código do produto, artikelcode, productcode, nr katalogowy, kod produktu, indeks,
            номер товара, артикул, 商品コード, 品番, 货号, 商品编号"""
        ),
        aliases(
            """id, product id, item id, listing id, article id, artikel id, produkt id, id produit, id producto,
            id prodotto, id produto, id produktu, product_ref, unique id, uid, 商品id"""
        ),
        aliases(
            """handle, code, item, article, artikel, reference, ref, slug, url handle, model, style, key,
            référence, referencia, referência, riferimento, codigo, código, codice, kod, symbol, referentie"""
        ),
        aliases("ean, gtin, upc, barcode, isbn, mpn, asin, ean13, ean code, kod ean, código de barras"),
    ),
)
NAME = Column(
    "Product Name",
    aliases("product name, product, name"),
    (
        aliases("title, product title, item, item name, name of product, product names"),
        aliases(
            """item title, listing title,
            artikelname, produktname, artikelbezeichnung, produktbezeichnung, bezeichnung, titel,
            nom du produit, nom produit, nom, désignation, libellé, titre,
            nombre del producto, nombre producto, nombre, título, nome prodotto, nome del prodotto, titolo,
            denominazione, nome do produto, nome produto, nome, productnaam, artikelnaam, naam,
            nazwa, nazwa produktu, tytuł, название, наименование, 商品名, 品名, 商品名称, 产品名称, 상품명"""
        ),
        aliases(
            """label, short name, display name, artikel, article, produit, producto, prodotto, produto, produkt,
            товар"""
        ),
        aliases(
            """short description, description, beschreibung, descripción, descrizione, descrição, omschrijving,
            opis, описание"""
        ),
    ),
)
_ANY_URLS = aliases("input urls, input url, urls")
_ANY_MEDIA = aliases("thumbnail, thumbnail url, media, media url, media urls, asset url")
NOT_ONLY_IMAGES = _ANY_URLS | _ANY_MEDIA
"""Names of image columns that other columns have as well."""
URLS = Column(
    "Input Image Urls",
    aliases("input image urls, input image url, image urls, image url, product image urls"),
    (
        aliases(
            """images, image, input images, input image, images urls, images url, image links, image link, image src,
            images src, product images, product image, product image url, product images urls, pictures, picture urls,
            photos, photo urls, img urls, img url, imgs"""
        ),
        _ANY_URLS,
        aliases(
            """picture, picture url, photo, photo url, img, img src, image address, image path, picture link,
            photo link, main image, main image url, image source,
            hosted image urls, featured image, primary image, primary image url,
            bild, bilder, bild url, bilder urls, bilder url, bildlink, bildadresse, produktbild, produktbilder,
            artikelbild, foto, fotos, foto url, image produit, images produit, url image, url images,
            url de l'image, lien image, url photo, imagen, imágenes, url imagen, url de imagen, url de la imagen,
            imagen url, immagine, immagini, url immagine, link immagine, imagem, imagens, url da imagem, url imagem,
            link da imagem, afbeelding, afbeeldingen, afbeelding url, zdjęcie, zdjęcia, url zdjęcia,
            link do zdjęcia, obraz, obrazek, grafika, изображение, изображения, картинка, фото,
            画像, 画像url, 商品画像, 图片, 图片链接, 商品图片, 이미지"""
        ),
        _ANY_MEDIA,
    ),
    (aliases("url, links, link, file url, file"),),
    many=True,
)
OUTPUT = Column("Output Image Urls", aliases("output image urls, output image url"))
