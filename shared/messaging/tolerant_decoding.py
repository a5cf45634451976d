"""Makes pamqp, which decodes AMQP frames, accept properties that it would refuse.

pamqp raises for a property or routing key that is not UTF-8 and for a header table that it cannot read, and aiormq then
ends the connection. The broker delivers the message again to the next connection, which ends too. So a single
message would stop a service. With these decoders the message arrives, and its reader can park it.
"""

import struct
from collections.abc import Callable
from typing import Any

import pamqp.frame
from pamqp import decode
from pamqp.commands import Basic
from pamqp.header import ContentHeader

UNDECODABLE_HEADER = "imagemill-undecodable"
"""The reason, in the headers of a delivery whose own headers or properties could not be decoded."""

_strict_table = decode.METHODS["table"]
_strict_timestamp = decode.METHODS["timestamp"]
_strict_header_frame: Callable[[bytes], ContentHeader] = pamqp.frame._unmarshal_header_frame


def install() -> None:
    """Replace pamqp's decoders for this process. Calling it again changes nothing."""
    decode.METHODS.update(shortstr=_short_string, table=_table, timestamp=_timestamp)
    setattr(pamqp.frame, "_unmarshal_header_frame", _header_frame)  # noqa: B010 (mypy compares parameter names)


def _short_string(value: bytes) -> tuple[int, str]:
    if not value:
        raise ValueError("a short string is missing")
    end = value[0] + 1
    return end, value[1:end].decode("utf-8", errors="replace")


def _table(value: bytes) -> tuple[int, Any]:
    try:
        return _strict_table(value)
    except Exception as error:  # any bytes can be in it: OverflowError, RecursionError, ...
        if len(value) < 4:
            raise ValueError("a table is missing") from error
        (length,) = struct.unpack_from(">I", value)
        return 4 + length, {UNDECODABLE_HEADER: f"headers: {error!r}"}


def _timestamp(value: bytes) -> tuple[int, Any]:
    try:
        return _strict_timestamp(value)
    except Exception:  # a year beyond 9999 raises errors of several kinds
        return 8, None


def _header_frame(frame: bytes) -> ContentHeader:
    """The header of a message; without properties if they cannot be decoded at all."""
    try:
        return _strict_header_frame(frame)
    except Exception as error:
        header = ContentHeader(properties=Basic.Properties(headers={UNDECODABLE_HEADER: f"properties: {error!r}"}))
        header.class_id, header.weight, header.body_size = struct.unpack_from(">HHQ", frame)
        return header
