"""Finds the credentials of a webhook in what its receiver answers. Pure.

Receivers repeat what they were sent in logs and error pages, as it is or escaped for JSON, HTML or a URL.
"""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_SHORTEST = 4  # shorter ones are parts of words
_HEX_DIGITS = re.compile(rb"(?<=%)[0-9A-Fa-f]{2}|(?<=\\u)[0-9A-Fa-f]{4}")


def without_credentials(text: bytes, credentials: bytes | None) -> bytes:
    """`text` with "***" in place of `credentials`, which are user, colon and password, and of the password alone.

    A user with no password, or with one of a few characters, is a secret itself: many services have a token there.
    """
    if credentials is None or len(credentials) < _SHORTEST:
        return text
    escaped = {form for secret in _secrets(credentials) for form in _forms(secret)}
    forms = escaped | set(map(_other_case, escaped)) | _in_base64(credentials)
    for form in sorted(forms, key=len, reverse=True):  # one by one, in linear time: a receiver can be hostile
        text = text.replace(form, b"***")
    return text


def _secrets(credentials: bytes) -> Iterator[bytes]:
    yield credentials
    user, _, password = credentials.partition(b":")
    alone = password if len(password) >= _SHORTEST else user
    if len(alone) >= _SHORTEST:
        yield alone


def _forms(secret: bytes) -> Iterator[bytes]:
    yield secret
    text = secret.decode(errors="surrogateescape")
    in_json = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    for form in (*in_json, *(each.replace("/", r"\/") for each in in_json), html.escape(text)):
        yield form.encode(errors="surrogateescape")
    for form in (quote(secret), quote(secret, safe=""), quote(secret, safe="!$&'()*+,;=:"), quote_plus(secret)):
        yield form.encode()


def _other_case(form: bytes) -> bytes:
    """With the other letters in hexadecimal escapes, such as %2f and \\u00E4."""
    return _HEX_DIGITS.sub(lambda digits: digits[0].swapcase(), form)


def _in_base64(credentials: bytes) -> set[bytes]:
    """With and without the padding at the end, which some leave out."""
    coded = {encode(credentials) for encode in (b64encode, urlsafe_b64encode)}
    return coded | {each.rstrip(b"=") for each in coded}
