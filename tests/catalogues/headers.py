"""All spellings of a header that were seen, and headers with missing or ambiguous columns."""

from tests.catalogues.fixture import HEADER, A, Fixture, error, row, text, warning

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
    Fixture(
        "sku without a platform's columns is no serial number",
        text("sku,Product Name,Input Image Urls", f"7,Lamp,{A}"),
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
