"""What a client may ask for with an upload: flat fields of the form, or query parameters. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from services.gateway.upload.option_table import MODELS, OPTIONS, UPLOAD_OPTIONS
from services.gateway.upload.request_options import RequestOptions
from services.gateway.web.problems import bad_options
from services.gateway.web.query import misnamed
from services.gateway.web.schemas import InputError
from shared.contracts.messages import CompressOptions
from shared.url_policy import AddressPolicy, BlockedAddress, InvalidUrl, check_url

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
    known: Sequence[str] = UPLOAD_OPTIONS,
) -> UploadOptions:
    """The options among `given` names and values; `defaults` holds for one that is blank or missing.

    Raises Problem (422), naming every option that is not `known`, given twice or has a value that cannot be used.
    """
    values = {name: value.strip() for name, value in given if name in known and value.strip()}
    webhook_url = values.pop("webhook_url", None)
    asked: dict[str, object] = {name: _typed(value) for name, value in values.items()}
    if faults := [*misnamed(given, known), *_unusable(asked, values), *_uncallable(webhook_url, webhook_policy)]:
        raise bad_options(faults)
    asked["webhook_url"] = webhook_url
    return UploadOptions(_updated(defaults.compress, asked), _updated(defaults.request, asked))


def _typed(value: str) -> int | bool | str:
    """As JSON would have it; in any case, since some languages write True."""
    return int(value) if _WHOLE_NUMBER.fullmatch(value) else _BOOLEANS.get(value.lower(), value)


def _updated(defaults: _Model, asked: Mapping[str, object]) -> _Model:
    return defaults.model_copy(update={name: asked[name] for name in type(defaults).model_fields if name in asked})


def _unusable(asked: Mapping[str, object], values: Mapping[str, str]) -> list[InputError]:
    names = [name for model in MODELS for name in _refused(model, asked)]
    return [
        InputError(detail=f"{name} is {OPTIONS[name].allowed}, not {values[name][:64]!r}", option=name)
        for name in names
    ]


def _refused(model: type[BaseModel], asked: Mapping[str, object]) -> list[str]:
    try:
        model.model_validate(asked, strict=True)
    except ValidationError as error:
        return [str(fault["loc"][0]) for fault in error.errors()]
    return []


def _uncallable(webhook_url: str | None, policy: AddressPolicy) -> list[InputError]:
    if webhook_url is None:
        return []
    try:
        check_url(webhook_url, policy)
    except (InvalidUrl, BlockedAddress) as fault:
        return [InputError(detail=f"webhook_url cannot be called: {fault.detail}", option="webhook_url")]
    return []
