"""The table of upload options, made from the fields of the option models. Pure.

OpenAPI, the error texts, the DEFAULT_… settings and the documentation all read it. To add an option, add a field with a
default and a description to CompressOptions or RequestOptions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic.fields import FieldInfo

from services.gateway.catalogue import ACCEPTED_ENCODINGS
from services.gateway.upload.request_options import RequestOptions
from shared.contracts.messages import CompressOptions

Endpoint = Literal["upload", "validate"]

MODELS = (CompressOptions, RequestOptions)
_KEYWORDS = ("type", "enum", "minimum", "maximum", "format", "description")
_ONLY_ENDPOINT: Mapping[str, Endpoint] = {"dry_run": "upload", "probe": "validate"}


@dataclass(frozen=True, slots=True)
class Option:
    """One option, as clients write it.

    schema: JSON schema with the description, which is CommonMark; its first sentence is a summary.
    default: None if there is no value by default. endpoints: those that accept the option.
    """

    name: str
    schema: Mapping[str, Any]
    default: Any
    endpoints: tuple[Endpoint, ...]

    @property
    def description(self) -> str:
        return str(self.schema["description"])

    @property
    def allowed(self) -> str:
        """The values it may have, so that "<name> is <allowed>" is a sentence."""
        match self.schema:
            case {"enum": values}:
                return f"{', '.join(values[:-1])} or {values[-1]}"
            case {"type": "integer", "minimum": minimum, "maximum": maximum}:
                return f"a whole number from {minimum} to {maximum}"
            case {"type": "boolean"}:
                return "true or false"
            case {"format": "uri"}:
                return "an http or https URL"
            case {"format": "charset"}:
                return f"one of {ACCEPTED_ENCODINGS}"
            case _:
                raise TypeError(f"{self.name}: say here what values such an option allows; an integer needs ge and le")


def _option(name: str, field: FieldInfo, schema: Mapping[str, Any]) -> Option:
    # Clients leave an option out where internal messages have null, so null is not in the schema.
    [usable] = [part for part in schema.get("anyOf", [schema]) if part["type"] != "null"]
    merged = {**schema, **usable}
    return Option(
        name=name,
        schema={keyword: merged[keyword] for keyword in _KEYWORDS if keyword in merged},
        default=field.default,
        endpoints=(_ONLY_ENDPOINT[name],) if name in _ONLY_ENDPOINT else ("upload", "validate"),
    )


OPTIONS: Mapping[str, Option] = {
    name: _option(name, model.model_fields[name], schema)
    for model in MODELS
    for name, schema in model.model_json_schema()["properties"].items()
}
UPLOAD_OPTIONS = tuple(name for name, option in OPTIONS.items() if "upload" in option.endpoints)
VALIDATION_OPTIONS = tuple(name for name, option in OPTIONS.items() if "validate" in option.endpoints)
