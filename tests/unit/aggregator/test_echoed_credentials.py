"""A receiver that repeats its credentials, in whatever form, does not reveal them in the excerpt of its response."""

import html
import json
import re
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.aggregator.echoed_credentials import without_credentials

USER, PASSWORD = 'us"er@shop', "p\"ss\\w<o>rd/x+y ä?'"
CREDENTIALS = f"{USER}:{PASSWORD}".encode()
ECHOES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON beyond ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "HTML": html.escape,
    "a path": quote,
    "a parameter": lambda text: quote(text, safe=""),
    "a parameter with small digits": lambda text: re.sub("%..", lambda escape: escape[0].lower(), quote(text, safe="")),
    "JSON with capital digits": lambda text: json.dumps(text).replace("u00e4", "u00E4"),
    "a form": quote_plus,
}


@pytest.mark.parametrize("name", ECHOES)
@pytest.mark.parametrize("repeated", [CREDENTIALS.decode(), PASSWORD])
def test_credentials_are_removed_however_the_receiver_writes_them(repeated: str, name: str) -> None:
    answer = f"login failed: {ECHOES[name](repeated)} is wrong"
    assert without_credentials(answer.encode(), CREDENTIALS).decode().replace('"', "") == "login failed: *** is wrong"


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("padding", [b"==", b"=", b""])
def test_the_sent_header_is_removed_with_or_without_its_padding(
    encode: Callable[[bytes], bytes], padding: bytes
) -> None:
    credentials = {b"==": b"me:secret?>??", b"=": b"me:secret?>???", b"": b"me:secret?>????"}[padding]
    header = encode(credentials)
    assert header.endswith(padding)
    for written in (header, header.rstrip(b"=")):
        assert without_credentials(b"Basic " + written + b"!", credentials) == b"Basic ***!"


@pytest.mark.parametrize("credentials", [b"tok_3nvalue:", b"tok_3nvalue:x", b"tok_3nvalue:abc"])
def test_a_user_without_a_real_password_is_the_secret(credentials: bytes) -> None:
    answer = b'{"user": "tok_3nvalue", "raw": "' + credentials + b'"}'
    assert without_credentials(answer, credentials) == b'{"user": "***", "raw": "***"}'


def test_what_was_not_sent_stays() -> None:
    answer = b"webhook of me: abc, user"
    assert without_credentials(answer, None) == answer
    assert without_credentials(answer, b"me:secret") == answer
    assert without_credentials(answer, b"a:") == answer


@pytest.mark.parametrize("password", [b"a" * 1900 + b"b", b"&" * 1900])
def test_a_hostile_receiver_gains_no_time(password: bytes) -> None:
    began = time.process_time()
    without_credentials(password[:1] * 200_000, b"me:" + password)
    assert time.process_time() - began < 0.5


@given(st.binary(min_size=4, max_size=20).filter(lambda each: b"*" not in each), st.binary(max_size=9), st.binary())
def test_any_credentials_are_found(credentials: bytes, before: bytes, after: bytes) -> None:
    assert credentials not in without_credentials(before + credentials + after, credentials)
