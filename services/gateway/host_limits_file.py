"""The format of HOST_LIMITS_FILE: limits of single image hosts. Pure: the settings read the file."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.url_policy import InvalidUrl, host_name

BELOW = "*."
"""Begins a pattern for all hosts below a domain, on any port."""

LEAST_RATE = 0.001


def _none_or_enough(rate: float) -> float:
    if 0 < rate < LEAST_RATE:
        raise ValueError(f"must be 0, or at least {LEAST_RATE:g}: a download in {1 / LEAST_RATE:g} seconds")
    return rate


Rate = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(_none_or_enough)]
"""Downloads per second; 0 for no limit."""


class HostOverride(BaseModel):
    """The limits of the hosts of one pattern; None where the setting applies."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    start: Annotated[int, Field(ge=1)] | None = None
    max: Annotated[int, Field(ge=1)] | None = None
    rate: Rate | None = None

    @model_validator(mode="after")
    def _start_within_the_maximum(self) -> Self:
        if self.start is not None and self.max is not None and self.start > self.max:
            raise ValueError("start must not exceed max")
        return self


HostOverrides = Mapping[str, HostOverride]
"""By pattern: a host as in `Image.host`, or `*.` and a domain."""


def parse_host_limits(text: str) -> HostOverrides:
    """The overrides in a TOML text. Raises ValueError with all its faults, one a line."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is not TOML: {error}") from error
    faults: list[str] = []
    overrides: dict[str, HostOverride] = {}
    for written, table in tables.items():
        try:
            pattern = _pattern(written)
            if pattern in overrides:
                faults.append(f'["{written}"]: the same host has another table')
            overrides[pattern] = HostOverride.model_validate(table)
        except ValidationError as error:
            faults += _described(written, table, error)
        except ValueError as error:
            faults.append(f'["{written}"]: {error}')
    if faults:
        raise ValueError("\n".join(faults))
    return overrides


def _pattern(written: str) -> str:
    """As `Image.host` would write it. Raises ValueError."""
    below, name = (BELOW, written.removeprefix(BELOW)) if written.startswith(BELOW) else ("", written)
    if not name or any(character in "/?#@*\\" or character.isspace() for character in name):
        raise ValueError(
            'write a host such as "shop.example" or "shop.example:8080", or "*.shop.example" for all below'
        )
    try:
        # Each scheme leaves out its default port; the longer name has the port that is written.
        host = max((host_name(f"{scheme}://{name}") for scheme in ("http", "https")), key=len)
    except InvalidUrl as error:
        raise ValueError(f"is not a host: {error}") from error
    if below and ":" in host:
        raise ValueError("a pattern for all hosts below a domain applies to all ports: leave out the port")
    return below + host


def _described(written: str, table: Any, error: ValidationError) -> Iterator[str]:
    if not isinstance(table, dict):
        yield f'{written}: write a table: ["host"], and its limits below it'
        return
    for detail in error.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in detail["loc"])
        if isinstance(table.get(key), dict):
            yield f'[{written}.{key}]: write the host in quotes: ["{written}.{key}"]'
        else:
            yield f'["{written}"]{" " * bool(key)}{key}: {detail["msg"]}'
