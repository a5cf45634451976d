"""All spellings of a header that were seen, and headers with missing or ambiguous columns."""

from tests.catalogues.fixture import HEADER, A, B, Fixture, error, row, text, warning

_SPELLINGS = (
    "S. No.,Product Name,Input Image Urls",
    "Serial Number,Product Name,Input Image URLs",
    "S.No.,ProductName,InputImageUrls",
    "S.No,productName,inputImageUrls",
    "SerialNumber,product_name,input_image_urls",
    "serialNumber,Product Name,imageUrls",
    "serial_no,Product Name,Image Urls",
    "Serial No,PRODUCT NAME,INPUT IMAGE URLS",
    "Sr. No.,Product Name,Input Image Urls",
    "Sl. No.,Product Name,Input Image Url",
    "No,Name,Image Url",
    "#,Product,Image Urls",
    "S. No., Product Name , Input Image Urls ",
    '"S. No.","Product Name","Input Image Urls"',
    "Serial\u00a0Number,Product\u200bName,\uff29nput Image Urls",
)

_PLAINEST = (
    "SKU,Product Name,Image URL",
    "sku,name,image",
    "id,title,picture",
    "Handle,Title,Image Link",
    "code,name,photo url",
    "Item Number,Description,Image",
    "Article,Name,Images",
    "EAN,Title,Image URL",
    "Artikelnummer,Artikelname,Bild-URL",
    "Art.-Nr.,Bezeichnung,Bilder",
    "R\u00e9f\u00e9rence,D\u00e9signation,URL de l'image",
    "Code article,Nom,Image",
    "C\u00f3digo,Nombre,Im\u00e1genes",
    "Codice articolo,Nome,Immagini",
    "C\u00f3digo do produto,Nome,Imagem",
    "Artikelcode,Naam,Afbeelding",
    "Kod produktu,Nazwa,Zdj\u0119cia",
    "\u0410\u0440\u0442\u0438\u043a\u0443\u043b,\u041d\u0430\u0437\u0432\u0430\u043d\u0438\u0435,\u0424\u043e\u0442\u043e",
    "\u5546\u54c1\u30b3\u30fc\u30c9,\u5546\u54c1\u540d,\u753b\u50cf",
)

HEADERS = (
    *(Fixture(f"header {spelling}", text(spelling, f"7,Lamp,{A}"), (row("7", "Lamp", A),)) for spelling in _SPELLINGS),
    Fixture(
        "columns in another order, among others",
        text("Colour,Image Urls,Name,Size,No", f"red,{A},Lamp,XL,7"),
        (row("7", "Lamp", A),),
    ),
    Fixture(
        "commas after the header",
        text(f"{HEADER},,", f"7,Lamp,{A},,"),
        (row("7", "Lamp", A),),
        (warning("blank cells", 2),),
    ),
    Fixture(
        "a column without a name",
        text("S. No.,,Product Name,Input Image Urls", f"7,x,Lamp,{A}"),
        (row("7", "Lamp", A),),
    ),
    Fixture(
        "two unknown columns of the same name",
        text(f"Note,Note,{HEADER}", f"x,y,7,Lamp,{A}"),
        (row("7", "Lamp", A),),
    ),
    Fixture(
        "an earlier output, uploaded again",
        text(f"{HEADER},Output Image Urls", f"7,Lamp,{A},https://imagemill.example/1.jpg"),
        (row("7", "Lamp", A),),
    ),
    Fixture(
        "two columns of serial numbers",
        text(f"{HEADER},Serial Number", f"7,Lamp,{A},7"),
        findings=(error('"S. No." and "Serial Number"', 1, "Serial Number"),),
    ),
    Fixture(
        "the same column twice",
        text(f"{HEADER},Product Name", f"7,Lamp,{A},Lamp"),
        findings=(error('"Product Name" and "Product Name"', 1, "Product Name"),),
    ),
    Fixture(
        "two columns of input URLs",
        text(f"{HEADER},imageUrls", f"7,Lamp,{A},{A}"),
        findings=(error('"Input Image Urls" and "imageUrls"', 1, "Input Image Urls"),),
    ),
    Fixture(
        "columns missing",
        text("Product Name,Colour", "Lamp,red"),
        findings=(error("missing", 1, "Serial Number"), error("missing", 1, "Input Image Urls")),
    ),
    *(
        Fixture(
            f"the plainest catalogue {header}",
            text(header, f"7,Lamp,{A}"),
            (row("7", "Lamp", A),),
            (warning(f'"{header.partition(",")[0]}" was taken as "Serial Number"', 1, header.partition(",")[0]),),
        )
        for header in _PLAINEST
    ),
    Fixture(
        "a price list in German",
        text("Artikelnummer;Bezeichnung;Preis;Bild", f"7;Lampe;9,99;{A}"),
        (row("7", "Lampe", A),),
        (warning('"Artikelnummer" was taken', 1),),
        delimiter=";",
    ),
    Fixture(
        "sku has precedence over id, and image over the address of a page",
        text("id,ean,sku,title,url,image", f"1,4006,7,Lamp,https://shop.example/lamp,{A}"),
        (row("7", "Lamp", A),),
        (warning('"sku" was taken', 1),),
    ),
    Fixture(
        "a serial number has precedence over sku",
        text("sku,No,Name,Image Urls", f"L,7,Lamp,{A}"),
        (row("7", "Lamp", A),),
    ),
    Fixture(
        "two columns that fit equally as serial number",
        text("SKU,Article Number,Name,Image", f"7,8,Lamp,{A}"),
        findings=(error('"SKU" and "Article Number" may all be "Serial Number"', 1),),
    ),
    Fixture(
        "two columns that fit equally as image",
        text("SKU,Name,Image,Photos", f"7,Lamp,{A},{B}"),
        findings=(error('"Image" and "Photos" may all be "Input Image Urls"', 1),),
    ),
    Fixture(
        "names in two languages",
        text("编号 S. No.,商品名 (Product Name),Ссылка / Image Url", f"7,Lamp,{A}"),
        (row("7", "Lamp", A),),
    ),
    Fixture(
        "image has precedence over photo",
        text("No,Name,Photo,Image", f"7,Lamp,{B},{A}"),
        (row("7", "Lamp", A),),
        (warning('"Photo" looks like a column of image URLs', 1, "Photo"),),
    ),
    Fixture(
        "an address of anything",
        text("No,Name,URL", f"7,Lamp,{A}"),
        (row("7", "Lamp", A),),
        (warning('"URL" was taken as "Input Image Urls"', 1, "URL"),),
    ),
    *(
        Fixture(
            f"the whole header is quoted, and separated by {delimiter!r}",
            text(f'"{HEADER}"'.replace(",", delimiter), f"7{delimiter}Lamp{delimiter}{A}"),
            (row("7", "Lamp", A),),
            (warning("quotes around the whole header were removed", 1),),
            delimiter=delimiter,
        )
        for delimiter in ";\t|"
    ),
    Fixture(
        "names of columns in a cell, separated by another delimiter",
        text("No;Name;Images;Tags", f"7;Lamp;{A};photo,image,picture,name"),
        (row("7", "Lamp", A),),
        delimiter=";",
    ),
    Fixture(
        "names of columns in a cell, below a title",
        text("Our lamps", "No;Name;Images;Tags", f"7;Lamp;{A};photo,image,picture,name"),
        (row("7", "Lamp", A),),
        (warning("rows above the header were passed over: 1", 1),),
        delimiter=";",
    ),
    Fixture(
        "one column for number and name",
        text("Artikel;Bild", f"Lampe;{A}"),
        findings=(error("missing", 1, "Serial Number"),),
    ),
    Fixture("a product instead of a header", text(f"7,Lamp,{A}"), findings=(error("no header", 1),)),
    Fixture("an unrelated table", text("Colour,Size", "red,XL"), findings=(error("no header", 1),)),
    Fixture("only a header", text(HEADER), findings=(error("no data rows"),)),
    Fixture(
        "a header and blank rows",
        text(HEADER, "", ",,", "  "),
        findings=(warning("blank rows were skipped: 3", 2), error("no data rows")),
    ),
)
