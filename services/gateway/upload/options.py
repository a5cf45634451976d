"""Reads and checks the options of an upload, which are form fields or query parameters. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from services.gateway.upload.option_table import MODELS, OPTIONS, UPLOAD_OPTIONS
from services.gateway.upload.request_options import RequestOptions
from services.gateway.upload.retention_policy import RetentionPolicy
from services.gateway.web import InputError, bad_options
from shared.contracts.messages import CompressOptions
from shared.url_policy import AddressPolicy, BlockedAddress, InvalidUrl, normal_webhook_url

_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_BOOLEANS = {"true": True, "false": False}
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class UploadOptions:
    compress: CompressOptions = field(default_factory=CompressOptions)
    request: RequestOptions = field(default_factory=RequestOptions)


def read_options(
    given: Sequence[tuple[str, str]],
    defaults: UploadOptions,
    webhook_policy: AddressPolicy,
    retention: RetentionPolicy,
    known: Sequence[str] = UPLOAD_OPTIONS,
) -> UploadOptions:
    """The options from the names and values in `given`; one that is blank or missing has its value in `defaults`.

    Raises Problem (422), which lists every option that is not `known`, is repeated or has an invalid value.
    """
    values = {name: value.strip() for name, value in given if name in known and value.strip()}
    webhook_url, webhook_errors = _read_webhook_url(values.pop("webhook_url", None), webhook_policy)
    wanted: dict[str, object] = {name: _typed(name, value) for name, value in values.items()}
    if errors := [
        *_name_errors(given, known),
        *_invalid_values(wanted, values),
        *webhook_errors,
        *_retention_errors(wanted, retention),
    ]:
        raise bad_options(errors)
    wanted["webhook_url"] = webhook_url
    return UploadOptions(_with(defaults.compress, wanted), _with(defaults.request, wanted))


def _name_errors(given: Sequence[tuple[str, str]], known: Sequence[str]) -> list[InputError]:
    """An error for each name that is not `known` or is given more than once."""
    options = f"{', '.join(known[:-1])} and {known[-1]}"
    return [
        InputError(detail=f"{name[:64]!r} is not an option; the options are {options}", option=name[:64])
        if name not in known
        else InputError(detail=f"{name} is given {count} times", option=name)
        for name, count in Counter(name for name, _ in given).items()
        if name not in known or count > 1
    ]


def _typed(name: str, value: str) -> int | bool | str:
    """The value as JSON would have it. Booleans may have any case, since some languages write True."""
    if OPTIONS[name].schema["type"] == "string":  # a label of an encoding may be a number: 866
        return value
    return int(value) if _WHOLE_NUMBER.fullmatch(value) else _BOOLEANS.get(value.lower(), value)


def _with(defaults: _Model, wanted: Mapping[str, object]) -> _Model:
    return defaults.model_copy(update={name: wanted[name] for name in type(defaults).model_fields if name in wanted})


def _invalid_values(wanted: Mapping[str, object], values: Mapping[str, str]) -> list[InputError]:
    names = [name for model in MODELS for name in _invalid_in(model, wanted)]
    return [
        InputError(detail=f"{name} is {OPTIONS[name].allowed}, not {values[name][:64]!r}", option=name)
        for name in names
    ]


def _invalid_in(model: type[BaseModel], wanted: Mapping[str, object]) -> list[str]:
    try:
        model.model_validate(wanted, strict=True)
    except ValidationError as error:
        return [str(fault["loc"][0]) for fault in error.errors()]
    return []


def _retention_errors(wanted: Mapping[str, object], retention: RetentionPolicy) -> list[InputError]:
    """An error for a choice that the model allows and this installation does not."""
    days = wanted.get("retention_days")
    if not isinstance(days, int) or _invalid_in(RequestOptions, wanted):
        return []
    fault = retention.fault(days)
    return [InputError(detail=fault, option="retention_days")] if fault else []


def _read_webhook_url(given: str | None, policy: AddressPolicy) -> tuple[str | None, list[InputError]]:
    """The URL as it is recorded, and why it cannot be called. Errors never repeat it: it may have a password."""
    if given is None:
        return None, []
    try:
        return normal_webhook_url(given, policy), []
    except (InvalidUrl, BlockedAddress) as fault:
        return None, [InputError(detail=f"webhook_url cannot be called: {fault.detail}", option="webhook_url")]
