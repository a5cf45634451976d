"""Reads a catalogue without Imagemill: charset-normalizer guesses the encoding, Python's csv the delimiter. Pure."""

import csv
import io
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_DELIMITERS = ",;\t|"
_SAMPLE = 64 * 1024
_IMAGE = re.compile(r"https?:\\?/\\?/[^\s\"'<>|;,]+\.(?:jpe?g|png|gif|webp|avif|tiff?|bmp)", re.IGNORECASE)
_HOST = re.compile(r"https?(:\\?/\\?/)([^/\\\s\"'<>|;,?#]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """rows: with text, without the header. urls: that look like an image's, each as often as it occurs."""

    encoding: str
    delimiter: str
    rows: int
    urls: int


def read(data: bytes) -> Reading:
    encoding = _encoding(data)
    text = data.decode(encoding, "replace")
    text, delimiter = _delimited(text)
    return Reading(encoding, delimiter, max(rows_of(text, delimiter) - 1, 0), len(_IMAGE.findall(text)))


def rows_of(text: str, delimiter: str) -> int:
    """Rows with text, the header included."""
    csv.field_size_limit(1 << 30)
    return sum(
        any(cell.strip() for cell in row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    )


def led_to(host: str, data: bytes) -> bytes:
    """The same catalogue with http and `host` (and its port) in each URL, so that nothing is fetched from elsewhere."""
    encoding = next((encoding for bom, encoding in _BOMS.items() if data.startswith(bom)), "")
    if encoding != "utf-16":
        # The bytes of a URL are ASCII in every other encoding; all other bytes stay as they are.
        return _HOST.sub(rf"http\g<1>{host}", data.decode("latin-1")).encode("latin-1")
    little = data.startswith(b"\xff\xfe")
    text = _HOST.sub(rf"http\g<1>{host}", data.decode("utf-16", "surrogatepass"))
    return data[:2] + text.encode("utf-16-le" if little else "utf-16-be", "surrogatepass")


def _encoding(data: bytes) -> str:
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return encoding
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        best = from_bytes(data[:_SAMPLE]).best()
        return best.encoding if best else "latin-1"
    return "utf-8"


def _delimited(text: str) -> tuple[str, str]:
    """The text without a first line that names the delimiter, and the delimiter."""
    if named := re.match(r"sep=(.)\r?\n?", text):
        return text[named.end() :], named[1]
    try:
        return text, csv.Sniffer().sniff(text[:_SAMPLE], _DELIMITERS).delimiter
    except csv.Error:
        return text, max(_DELIMITERS, key=text[:_SAMPLE].count)
