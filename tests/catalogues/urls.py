"""All shapes of lists of URLs that were seen, in quoted cells and without quotes."""

from collections.abc import Mapping

from tests.catalogues.fixture import HEADER, A, B, C, ExpectedFinding, Fixture, row, slot_error, text, warning

_COLUMN = "Input Image Urls"
_WITH_COMMAS = {
    "Cloudinary": "https://res.example/upload/w_1200,h_900,f_auto,q_auto/v1/lamp.jpg",
    "Thumbor": "https://thumbor.example/filters:sharpen(1,0,false)/lamp.jpg",
    "Gannett": "https://www.example/gcdn/lamp.jpg?crop=2669,1999,x0,y0",
    "Baidu": "https://img.example/u=1798831392,1750834138&fm=26",
}
_SEPARATORS = {
    "a comma": ",",
    "a comma and a space": ", ",
    "a semicolon": ";",
    "a vertical bar": "|",
    "a bar with spaces": " | ",
    "a space": " ",
    "a line break": "\n",
    "a comma and CRLF": ",\r\n",
}


_MARKED: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "a name before the URL, as in exports of databases": (
        f"lamp (1).jpg ({A}),oak.jpg ({B})",
        (A, B),
        "a name and",
    ),
    "escaped slashes": (A.replace("/", "\\/"), (A,), "are escaped"),
    "an image in HTML": (f'<p><img alt="" src="{A}"></p><img src=\'{B}\' />', (A, B), "inside HTML"),
    "a link in HTML": (f'<a href="{A}" target="_blank">Lamp</a>', (A,), "inside HTML"),
    "an image in HTML that links to another one": (f'<a href="{B}"><img src="{A}"></a>', (A,), "link to another URL"),
    "an image in HTML that is loaded late": (
        f'<img src="data:image/gif;base64,R" data-src="{A}">',
        (A,),
        "inside HTML",
    ),
    "an image in Markdown": (f"![Lamp]({A})", (A,), "inside Markdown"),
    "links in Markdown": (f"[Lamp]({A}), [Oak]({B})", (A, B), "inside Markdown"),
    "an image in Markdown that links to a page": (f"[![Lamp]({A})]({B})", (A,), "link to another URL"),
    "a formula of an image": (f'=IMAGE("{A}";1)', (A,), "inside a formula"),
    "a formula of a link": (f'=HYPERLINK("{A}","Lamp")', (A,), "inside a formula"),
    "a formula of an image in a link": (f'=HYPERLINK("{B}",IMAGE("{A}"))', (A,), "inside a formula"),
    "objects in JSON": (f'[{{"url":"{A}","title":"x"}},{{"url":"{B}"}}]', (A, B), "JSON object"),
}
"""A cell, the URLs in it, and a part of the warning about each."""

_REPAIRED: Mapping[str, tuple[str, str, str]] = {
    "an ampersand copied from HTML": (
        "https://a.example/1.jpg?w=1&amp;h=2",
        "https://a.example/1.jpg?w=1&h=2",
        "&amp;",
    ),
    "a space in a URL": ("https://a.example/oak table.jpg", "https://a.example/oak%20table.jpg", "space"),
    "letters beyond ASCII in a URL": ("https://a.example/10\u00d720.jpg", "https://a.example/10%C3%9720.jpg", "ASCII"),
    "backslashes in a URL": (
        "https:\\\\a.example\\m\\1.jpg?x=\\",
        "https://a.example/m/1.jpg?x=\\",
        "a backslash in the URL",
    ),
    "a URL in two lines": (
        "https://a.example/oak-\n1.jpg",
        "https://a.example/oak-1.jpg",
        "a line break or tab in the URL; it was removed",
    ),
    "a tab in a URL": (
        "https://a.exa\tmple/1.jpg",
        "https://a.example/1.jpg",
        "a line break or tab in the URL; it was removed",
    ),
    "one slash after the scheme": (
        "https:/a.example/1.jpg",
        "https://a.example/1.jpg",
        "slashes after the scheme; two were read",
    ),
    "three slashes after the scheme": (
        "https:///a.example/1.jpg",
        "https://a.example/1.jpg",
        "slashes after the scheme; two were read",
    ),
}
"""A cell, the URL that is read, and a part of the warning."""

_REFUSED: Mapping[str, tuple[str, str]] = {
    "a path after the scheme": ("https:///pictures/1.jpg", "one slash too many"),
    "an internal address in hexadecimal": ("http://0x7f.1/1.jpg", "blocked address"),
    "no URL": ("lamp.png", "a file name"),
    "a URL without a scheme": ("a.example/1.jpg", "scheme is missing"),
    "a Windows path": ("C:\\pictures\\lamp.png", "path on a computer"),
    "a path on a server": ("/pictures/lamp.png", "path without a host"),
    "a file URL": ("file:///pictures/lamp.png", "file on a computer"),
    "an image in the cell itself": ("data:image/jpeg;base64,/9j/4AAQSkZJRg", "data: URI"),
    "an internal address": ("http://127.0.0.1/1.jpg", "blocked address"),
    "an internal address, mapped into IPv6": ("http://[::ffff:127.0.0.1]/", "blocked address"),
    "a password in a URL": ("https://me:secret@a.example/1.jpg", "password"),
    "a URL of more than 2,048 characters": (f"https://a.example/{'x' * 2048}", "2,048"),
}
"""A cell, which is a slot of its own, and a part of the slot error."""


def _cell(name: str, cell: str, *urls: str, findings: tuple[ExpectedFinding, ...] = ()) -> Fixture:
    """A file with this cell of URLs, in quotes."""
    quoted = cell.replace('"', '""')
    return Fixture(name, text(HEADER, f'1,Lamp,"{quoted}"'), (row("1", "Lamp", urls),), findings)


URLS = (
    *(
        _cell(name, cell, *urls, findings=(warning(problem, 2, _COLUMN),) * len(urls))
        for name, (cell, urls, problem) in _MARKED.items()
    ),
    *(
        _cell(name, cell, url, findings=(warning(problem, 2, _COLUMN),))
        for name, (cell, url, problem) in _REPAIRED.items()
    ),
    *(_cell(name, cell, cell, findings=(slot_error(problem, 2),)) for name, (cell, problem) in _REFUSED.items()),
    _cell("a list in JSON", f'["{A}", "{B}"]', A, B),
    _cell("a list in JSON with escaped slashes", f'["{A}"]'.replace("/", "\\/"), A),
    _cell("a list of PostgreSQL", f"{{{A},{B}}}", A, B),
    _cell("HTML without an image", "<b>soon</b>", "b>soon</b", findings=(slot_error("not", 2),)),
    *(_cell(f"{name} between URLs", separator.join((A, B, C)), A, B, C) for name, separator in _SEPARATORS.items()),
    *(_cell(f"commas of {name} in quotes", f"{url},{A}", url, A) for name, url in _WITH_COMMAS.items()),
    *(
        Fixture(
            f"commas of {name} without quotes",
            text(HEADER, f"1,Lamp,{url},{A}"),
            (row("1", "Lamp", (url, A)),),
            (warning("cells", 2),),
        )
        for name, url in _WITH_COMMAS.items()
    ),
    _cell("a comma before what may be the next URL", f"https://p.example/?u=a,{B}", "https://p.example/?u=a", B),
    _cell("the same comma written as %2C", f"https://p.example/?u=a%2C{B}", f"https://p.example/?u=a%2C{B}"),
    _cell(
        "a quote at the end of a URL",
        f"{A}', {B}",
        A,
        B,
        findings=(warning("a quote at the end of the URL; it was removed", 2, _COLUMN),),
    ),
    _cell("quotes in pairs around URLs", f"'{A}', '{B}'", A, B),
    _cell(
        "marks of the direction of writing around URLs",
        f"\u202a{A}\u202c, \u200e{B}\u200f",
        A,
        B,
        findings=(
            warning("an invisible character in the URL; it was removed", 2, _COLUMN),
            warning("an invisible character in the URL; it was removed", 2, _COLUMN),
        ),
    ),
    _cell("typographic quotes around a URL", f"\u201c{A}\u201d", A),
    _cell("angle brackets around a URL", f"<{A}>", A),
    _cell("the scheme in capitals", "HTTPS://A.example/1.jpg", "HTTPS://A.example/1.jpg"),
    _cell("the same URL twice in a row", f"{A},{A}", A, A),
    _cell(
        "ftp between valid URLs",
        f"{A},ftp://a.example/2.jpg,{B}",
        A,
        "ftp://a.example/2.jpg",
        B,
        findings=(slot_error("http", 2),),
    ),
    Fixture(
        "a link to a page of a file service",
        text(HEADER, "1,Lamp,https://www.dropbox.com/s/abc/1.jpg?dl=0"),
        (row("1", "Lamp", "https://www.dropbox.com/s/abc/1.jpg?dl=0"),),
        (warning("a link to a page", 2),),
    ),
    Fixture(
        "a path after an image's file name",
        text(HEADER, f'1,Lamp,"{A},/m/b/2.jpg"'),
        (row("1", "Lamp", f"{A},/m/b/2.jpg"),),
        (warning("a comma after an image's file name", 2),),
    ),
    Fixture(
        "a word for no image", text(HEADER, "1,Lamp,n/a"), (row("1", "Lamp", "n/a"),), (slot_error("not a URL", 2),)
    ),
    Fixture(
        "an invisible character",
        text(HEADER, "1,Lamp,https://a.example/\u200b1.jpg"),
        (row("1", "Lamp", "https://a.example/1.jpg"),),
        (warning("an invisible character", 2),),
    ),
    Fixture(
        "letters beyond ASCII in the host",
        text(HEADER, "1,Lamp,https://m\u00f6bel.example/1.jpg"),
        (row("1", "Lamp", "https://xn--mbel-5qa.example/1.jpg"),),
        (warning("in the URL's host", 2),),
    ),
    Fixture(
        "a sharp s in the host, which is another owner's than ss",
        text(HEADER, "1,Lamp,https://stra\u00dfe.example/1.jpg"),
        (row("1", "Lamp", "https://xn--strae-oqa.example/1.jpg"),),
        (warning("in the URL's host", 2),),
    ),
    Fixture(
        "an invalid host name",
        text(HEADER, "1,Lamp,https://a_b..example/1.jpg"),
        (row("1", "Lamp", "https://a_b..example/1.jpg"),),
        (slot_error("the host name is not valid", 2),),
    ),
    Fixture(
        "another column of images",
        text("No,Name,Input Image Urls,Image 7", f"1,Lamp,{A},{A}"),
        (row("1", "Lamp", A),),
        (warning("looks like a column of image URLs", 1),),
    ),
)
