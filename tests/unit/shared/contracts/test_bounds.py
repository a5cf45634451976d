"""Every value of every message is bounded, so that no message can hold what the database or a reader cannot."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.contracts.bounds import Count, Detail, Rate, Share, Time
from shared.contracts.messages import MESSAGES, Message

_BOUNDS = {"integer": {"minimum", "maximum"}, "number": {"minimum", "maximum"}, "array": {"maxItems"}}
_TEXTS_OF_A_FEW = {"enum", "const", "format"}


def _values(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The parts of a JSON schema that describe one value, with their place."""
    if isinstance(schema, list):
        for part in schema:
            yield from _values(part, path)
    elif isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield path, schema
        for name, part in schema.items():
            yield from _values(part, f"{path}/{name}")


@pytest.mark.parametrize("type_", MESSAGES, ids=lambda type_: type_.__name__)
def test_every_value_of_a_message_is_bounded(type_: type[Message]) -> None:
    for path, schema in _values(type_.model_json_schema()):
        if schema["type"] == "string" and not schema.keys() & _TEXTS_OF_A_FEW:
            assert "maxLength" in schema, path
        assert _BOUNDS.get(schema["type"], set()) <= schema.keys(), path


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (Count, "18446744073709551616"),
        (Count, "-1"),
        (Count, "1e400"),
        (Count, "NaN"),
        (Share, "NaN"),
        (Rate, "Infinity"),
        (Time, '"2026-01-01T00:00:00"'),
        (Time, '"9999-12-31T23:59:59Z"'),
        (Time, '"0001-01-01T00:00:00+14:00"'),
    ],
)
def test_what_the_database_or_a_reader_cannot_hold_is_refused(type_: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(type_).validate_json(text)


def test_the_limits_themselves_can_be_added_up_and_written() -> None:
    largest = TypeAdapter(Count).validate_json(str(2**40))
    assert 1_000_000 * largest < 2**63
    time = TypeAdapter(Time).validate_json('"2500-01-01T00:00:00Z"')
    assert isinstance(time, datetime)


def test_a_long_text_for_people_is_cut() -> None:
    assert TypeAdapter(Detail).validate_python("x" * 10_000) == "x" * 2_000
