"""The media types of an upload and of the parts of its form. Pure."""

from collections.abc import Mapping
from email.message import Message

from python_multipart.multipart import parse_options_header

FORM_TYPE = "multipart/form-data"
CSV_TYPES = (
    "text/csv",
    "text/plain",
    "text/tab-separated-values",
    "text/tsv",
    "text/comma-separated-values",
    "text/x-csv",
    "application/csv",
    "application/x-csv",
    "application/vnd.ms-excel",  # what browsers on Windows with Excel call a CSV
)
_OF_ANY_TEXT = "text/plain"


def parse_type(value: str | bytes | None) -> tuple[str, Mapping[bytes, bytes]]:
    """The media type of a Content-Type in lower case, and its parameters."""
    kind, parameters = parse_options_header(value)
    return kind.decode("latin-1"), parameters


def charset_of(parameters: Mapping[bytes, bytes]) -> str | None:
    """The label of the charset that a Content-Type declares."""
    return parameters.get(b"charset", b"").decode("latin-1").strip() or None


def is_csv_part(kind: str) -> bool:
    """Whether a form's part of this type is a catalogue even without a file name. Options may be text/plain."""
    return kind in CSV_TYPES and kind != _OF_ANY_TEXT


def extended_filename(disposition: bytes) -> bytes | None:
    """The file name of a Content-Disposition that has it only as `filename*` (RFC 2231), as some libraries send it.

    RFC 7578 forbids that in forms, so the parser of forms leaves it out.
    """
    if b"filename*" not in disposition.lower():
        return None
    message = Message()
    message["Content-Disposition"] = disposition.decode("latin-1").replace("\r", " ").replace("\n", " ")
    try:
        filename = message.get_filename()
    except (TypeError, ValueError):  # the email package raises these for odd parts and charsets
        return None
    return filename.encode(errors="replace") if filename else None
