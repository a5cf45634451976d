"""The types of the values in messages, bounded to what JSON, MongoDB and sums over millions of images can hold. Pure.

A message outside these bounds cannot be decoded and is parked. `tests/unit/shared/contracts/test_bounds.py` checks that
every field of every message is bounded.
"""

from datetime import UTC, datetime
from typing import Annotated

from annotated_types import Ge, Le, MaxLen
from pydantic import AfterValidator, AwareDatetime, FiniteFloat, WithJsonSchema

_MAX_DETAIL_CHARS = 2_000


def _cut(detail: str) -> str:
    return detail[:_MAX_DETAIL_CHARS]


Count = Annotated[int, Ge(0), Le(2**40)]
"""A number of things, bytes or milliseconds."""

Ordinal = Annotated[int, Ge(1), Le(2**31 - 1)]
"""A number that counts from 1."""

Pixels = Annotated[int, Ge(0), Le(2**31 - 1)]

Share = Annotated[FiniteFloat, Ge(-1), Le(1)]

Rate = Annotated[FiniteFloat, Ge(0), Le(1e9)]
"""Per second."""

Seconds = Annotated[FiniteFloat, Ge(0), Le(10 * 366 * 86_400)]
"""A delay, ten years at most."""

Time = Annotated[AwareDatetime, Ge(datetime(2000, 1, 1, tzinfo=UTC)), Le(datetime(2500, 1, 1, tzinfo=UTC))]

Id = Annotated[str, MaxLen(200)]

Word = Annotated[str, MaxLen(1_000)]
"""A short text: a key, a header's value, a content type."""

Url = Annotated[str, MaxLen(8_192)]

Detail = Annotated[str, AfterValidator(_cut), WithJsonSchema({"type": "string", "maxLength": _MAX_DETAIL_CHARS})]
"""A text for people; a longer one is cut."""
