"""Parses a multipart/form-data body while it arrives: collects the options and passes on the file's bytes. Pure."""

from pathlib import PureWindowsPath

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.gateway.upload.content_types import charset_of, extended_filename, is_csv_part, parse_type
from services.gateway.web import InputError, Problem, bad_form, bad_options

_FILE_FIELD = "file"
_MAX_PARTS = 32
_MAX_FIELD_BYTES = 8192
_ADVICE = "Send the CSV as the form's file, for example: curl -F file=@products.csv"


class UploadForm:
    """Call `feed` with each chunk of the body, take the file's bytes from `file_bytes`, and call `finish` at the end.

    fields: names and values of the other parts. The file is the part with a file name, with a type of CSV, or the one
    called "file". charset: the label that the file's Content-Type declares.
    Raises Problem: 400 if the form is malformed, incomplete or has not exactly one file, 422 for an option that is too
    long.
    """

    def __init__(self, boundary: bytes | None) -> None:
        if not boundary:
            raise bad_form("the Content-Type has no boundary", _ADVICE)
        self.file_bytes = bytearray()
        self.filename: str | None = None
        self.charset: str | None = None
        self.fields: list[tuple[str, str]] = []
        self._parts = 0
        self._has_file = False
        self._in_file = False
        self._complete = False
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = b""
        self._type = b""
        self._field = ""
        self._value = bytearray()
        self._parser = self._open(boundary)

    def _open(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _malformed() from error

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed() from error

    def finish(self) -> None:
        """Check, at the end of the body, that the form is complete and has a file."""
        if not self._complete:
            raise bad_form("the form ends in the middle of a part", _ADVICE)
        if not self._has_file:
            raise bad_form("the form has no file", _ADVICE)

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise bad_form(f"the form has more than {_MAX_PARTS} parts", _ADVICE)
        self._disposition = self._type = b""
        self._value.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        match self._header_name.lower():
            case b"content-disposition":
                self._disposition = bytes(self._header_value)
            case b"content-type":
                self._type = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _on_headers_finished(self) -> None:
        _, parameters = parse_options_header(self._disposition)
        self._field = parameters.get(b"name", b"").decode(errors="replace")
        filename = parameters.get(b"filename")
        if filename is None:
            filename = extended_filename(self._disposition)
        kind, type_parameters = parse_type(self._type)
        self._in_file = filename is not None or self._field == _FILE_FIELD or is_csv_part(kind)
        # A browser sends the file field with an empty file name if no file was chosen.
        if self._in_file and filename != b"":
            if self._has_file:
                raise bad_form("the form has more than one file", "Upload one catalogue at a time.")
            self._has_file = True
            self.filename = _base_name(filename)
            self.charset = charset_of(type_parameters)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.file_bytes += data[start:end]
            return
        self._value += data[start:end]
        if len(self._value) > _MAX_FIELD_BYTES:
            name = self._field[:64]
            raise bad_options([InputError(detail=f"{name!r} is longer than {_MAX_FIELD_BYTES} bytes", option=name)])

    def _on_part_end(self) -> None:
        if not self._in_file:
            self.fields.append((self._field, self._value.decode(errors="replace")))

    def _on_end(self) -> None:
        self._complete = True


def _base_name(filename: bytes | None) -> str | None:
    """The name without the folders that some clients send, with slashes or backslashes."""
    if filename is None:
        return None
    name = PureWindowsPath(filename.decode(errors="replace")).name
    return "".join(character for character in name if character.isprintable())[:255] or None


def _malformed() -> Problem:
    return bad_form("the body is not valid multipart/form-data", _ADVICE)
