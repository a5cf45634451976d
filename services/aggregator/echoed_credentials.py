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


def without_credentials(text: bytes, credentials: bytes | None) -> bytes:
    """`text` with "***" in place of `credentials`, which are user, colon and password, and of the password alone.

    A user with no password, or with one of a few characters, is a secret itself: many services have a token there.
    """
    if credentials is None or len(credentials) < _SHORTEST:
        return text
    forms = {form for secret in _secrets(credentials) for form in _forms(secret)}
    longest_first = sorted(forms, key=len, reverse=True)
    # Base64 may lack the padding at its end.
    patterns = [*map(re.escape, longest_first), *(re.escape(form) + b"=*" for form in _in_base64(credentials))]
    return re.sub(b"|".join(patterns), b"***", text, flags=re.IGNORECASE)


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


def _in_base64(credentials: bytes) -> set[bytes]:
    return {encode(credentials).rstrip(b"=") for encode in (b64encode, urlsafe_b64encode)}
