"""The options of an upload, from services/gateway/upload/option_table.py."""

from collections.abc import Mapping
from typing import Any

from dev.docs.markdown import code, table
from services.gateway.upload import OPTIONS, Option


def options() -> str:
    """Every option with its whole description."""
    rows = [
        (code(option.name), _values(option.schema), _default(option.default), option.description + _only(option))
        for option in OPTIONS.values()
    ]
    return table(("option", "values", "default", "meaning"), rows)


def options_summary() -> str:
    """Every option in one sentence."""
    rows = [
        (code(option.name), _values(option.schema), _default(option.default), _summary(option) + _only(option))
        for option in OPTIONS.values()
    ]
    return table(("option", "values", "default", "meaning"), rows)


def _summary(option: Option) -> str:
    return option.description.split(". ", maxsplit=1)[0].rstrip(".") + "."


def _only(option: Option) -> str:
    return "" if len(option.endpoints) > 1 else f" Only for `POST /{option.endpoints[0]}`."


def _values(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"enum": values}:
            return ", ".join(map(code, values))
        case {"type": "integer", "minimum": minimum, "maximum": maximum}:
            return f"{minimum} to {maximum}"
        case {"type": "boolean"}:
            return "`true`, `false`"
        case {"format": "charset"}:
            return "a name such as `windows-1252`"
        case {"format": "uri"}:
            return "a URL"
    raise ValueError(f"no words for the values of {schema}")


def _default(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return code(str(value).lower())
        case _:
            return code(value)
