"""Finds the URLs of a cell that are inside a link, HTML, Markdown, JSON or a formula. Pure.

Databases export attachments as "name.jpg (https://…)", shops export HTML, spreadsheets =IMAGE("https://…").
"""

import json
import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import NamedTuple

from services.gateway.catalogue.url_repair import UrlRepair

_ONLY_URL = "Put only the URL into the cell."
_NAMED = UrlRepair("a name and a URL in parentheses; only the URL was read", _ONLY_URL)
_HTML = UrlRepair("a URL inside HTML; only the URL was read", _ONLY_URL)
_HTML_LINK = UrlRepair(
    "an image in HTML inside a link to another URL; that of the image was read",
    "Put only the URL that you mean into the cell.",
)
_MARKDOWN = UrlRepair("a URL inside Markdown; only the URL was read", _ONLY_URL)
_MARKDOWN_LINK = UrlRepair(
    "an image in Markdown inside a link to another URL; that of the image was read", _HTML_LINK.advice
)
_FORMULA = UrlRepair("a URL inside a formula; only the URL was read", "Replace the formulas by their values.")
_OBJECT = UrlRepair("a URL inside a JSON object; only the URL was read", _ONLY_URL)
ESCAPED_SLASHES = UrlRepair(
    "slashes in the URL are escaped (\\/); they were read as slashes", "Write https:// plainly."
)

_URL_KEYS = ("url", "src", "href", "original", "link", "contentUrl", "image", "image_url", "imageUrl", "signedUrl")
_SRC_KEYS = ("src", "data-src", "data-original", "data-lazy-src")
_FORMULA_START = re.compile(r"'?=\s*+[+@]?[\w.]++\s*+\(")
_IMAGE_ARGUMENT = re.compile(
    r"(?:IMAGE|BILD|IMAGEN|IMAGEM|IMMAGINE|AFBEELDING|OBRAZ)\s*+\(\s*+\"([^\"]*+)\"", re.IGNORECASE
)
_FIRST_ARGUMENT = re.compile(r"\(\s*+\"([^\"]*+)\"")
_URL = r"[^\s()<>]++(?:\([^\s()<>]*+\)[^\s()<>]*+)*+"  # parentheses in pairs are part of a URL
_TARGET = rf"\(\s*+<?(?P<url>{_URL})>?(?:\s++\"[^\"]*+\")?\s*+\)"
_MARKDOWN_IMAGE = re.compile(rf"!\[[^\[\]]*+\]{_TARGET}")
_MARKDOWN_TEXT_LINK = re.compile(rf"\[[^\[\]]*+\]{_TARGET}")
_WORDS = r"[^,;|\r\n()\"<>]*+"
_NAMED_URL = re.compile(
    rf"\s*+{_WORDS}(?:\({_WORDS}\){_WORDS})?\((?P<url>https?:{_URL})\)\s*+(?:[,;|]++|\Z|(?<=[\r\n]))"
)
# Not html.parser: in Python 3.11 it takes quadratic time for broken HTML, and fails on some.
_TAG = re.compile(r"<(a|img|image|source)(?=[\s/])([^<>]*+)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?<![\w-])([\w-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'<>]++))")


class FoundUrls(NamedTuple):
    """repair: what was read instead of the cell; None if that does not surprise."""

    urls: list[str]
    repair: UrlRepair | None


def find_marked_urls(cell: str) -> FoundUrls | None:
    """The URLs inside the markup that the whole cell consists of; None if it has none."""
    text = cell.strip()
    found: FoundUrls | None = None
    if text.startswith(("[", "{")):
        found = _in_json(text)
    if found is None and _FORMULA_START.match(text):
        found = _in_formula(text)
    if found is None and "](" in text:
        found = _in_markdown(text)
    if found is None and "<" in text:
        found = _in_html(text)
    if found is None and "(http" in text:
        found = _named(text)
    return found


def _in_json(text: str) -> FoundUrls | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    entries = document if isinstance(document, list) else [document]
    urls = [entry if isinstance(entry, str) else _of_object(entry) for entry in entries]
    if not urls or None in urls:
        return None
    plain = all(isinstance(entry, str) for entry in entries)
    return FoundUrls([url.strip() for url in urls if url and url.strip()], None if plain else _OBJECT)


def _of_object(entry: object) -> str | None:
    if not isinstance(entry, dict):
        return None
    return next((value for key in _URL_KEYS if isinstance(value := entry.get(key), str) and value), None)


def _in_formula(text: str) -> FoundUrls | None:
    urls = _IMAGE_ARGUMENT.findall(text) or _FIRST_ARGUMENT.findall(text)[:1]
    return FoundUrls(urls, _FORMULA) if urls else None


def _in_markdown(text: str) -> FoundUrls | None:
    images = [match["url"] for match in _MARKDOWN_IMAGE.finditer(text)]
    links = [match["url"] for match in _MARKDOWN_TEXT_LINK.finditer(_MARKDOWN_IMAGE.sub("", text))]
    if images:
        return FoundUrls(images, _MARKDOWN_LINK if set(links) - set(images) else _MARKDOWN)
    return FoundUrls(links, _MARKDOWN) if links else None


def _in_html(text: str) -> FoundUrls | None:
    images, links = list[str](), list[str]()
    for tag in _TAG.finditer(text):
        given = {name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(tag[2])}
        if tag[1].lower() == "a":
            links.extend(_addresses([given.get("href")]))
        else:
            images.extend(list(_addresses(given.get(key) for key in _SRC_KEYS))[:1])
    if images:
        return FoundUrls(images, _HTML_LINK if set(links) - set(images) else _HTML)
    return FoundUrls(links, _HTML) if links else None


def _addresses(values: Iterable[str | None]) -> Iterator[str]:
    """Those that are no placeholders of lazy loading."""
    return (unescape(value).strip() for value in values if value and value.strip() and not value.startswith("data:"))


def _named(text: str) -> FoundUrls | None:
    urls, position = list[str](), 0
    while position < len(text):
        match = _NAMED_URL.match(text, position)
        if match is None:
            return None
        urls.append(match["url"])
        position = match.end()
    return FoundUrls(urls, _NAMED)
