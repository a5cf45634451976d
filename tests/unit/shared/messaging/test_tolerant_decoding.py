"""Whatever bytes a message's header holds, it is decoded: no message may end a connection."""

import struct

import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.messaging import tolerant_decoding
from shared.messaging.tolerant_decoding import UNDECODABLE_HEADER

BODY_SIZE = 7


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    tolerant_decoding.install()


def decoded(properties: bytes) -> ContentHeader:
    payload = struct.pack(">HHQ", 60, 0, BODY_SIZE) + properties
    frame = struct.pack(">BHI", 2, 1, len(payload)) + payload + b"\xce"
    _, _, header = pamqp.frame.unmarshal(frame)
    assert isinstance(header, ContentHeader)
    return header


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header(properties: bytes) -> None:
    assert decoded(properties).body_size == BODY_SIZE


@given(st.integers(0, 0xFFFF), st.binary(max_size=200))
def test_any_properties_are_a_header(flags: int, data: bytes) -> None:
    assert decoded(struct.pack(">H", flags & 0xFFFE) + data).body_size == BODY_SIZE


def test_valid_properties_decode_unchanged() -> None:
    valid = Basic.Properties(
        content_type="application/json", headers={"x-delivery-count": 3, "list": ["a", {"b": True}]}, message_type="Ü"
    )
    assert decoded(valid.marshal()).properties == valid


def test_a_string_that_is_not_utf8_keeps_the_properties_beside_it() -> None:
    flags = Basic.Properties.flags["message_type"] | Basic.Properties.flags["headers"]
    properties = decoded(struct.pack(">H", flags) + b"\0\0\0\x07\x01aI\0\0\0\x05" + b"\x02\xff\xfe").properties
    assert properties.headers == {"a": 5}
    assert properties.message_type == "\ufffd\ufffd"


def test_headers_that_cannot_be_decoded_say_so_and_keep_the_properties_beside_them() -> None:
    flags = Basic.Properties.flags["message_type"] | Basic.Properties.flags["headers"]
    properties = decoded(struct.pack(">H", flags) + b"\0\0\0\x07\x01\xffI\0\0\0\x05" + b"\x01T").properties
    assert list(properties.headers or {}) == [UNDECODABLE_HEADER]
    assert properties.message_type == "T"


def test_properties_that_are_cut_off_say_so() -> None:
    assert list(decoded(b"").properties.headers or {}) == [UNDECODABLE_HEADER]
