"""What a client may ask for with an upload: flat fields of the form, or query parameters. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.problems import bad_options
from services.gateway.schemas import Fault
from shared.contracts.messages import CompressOptions
from shared.outbound.address_guard import AddressPolicy, BlockedAddress
from shared.outbound.url_check import InvalidUrl, check_url

OPTIONS = ("percent", "webhook_url")
_PERCENT = re.compile(r"[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class UploadOptions:
    compress: CompressOptions
    webhook_url: str | None


def read_options(given: Sequence[tuple[str, str]], webhook_policy: AddressPolicy) -> UploadOptions:
    """The options among `given` names and values; a blank value means the default.

    Raises Problem (422), naming every option that is unknown, given twice or has a value that cannot be used.
    """
    faults = _misnamed(given)
    values = {name: value.strip() for name, value in given if name in OPTIONS and value.strip()}
    if fault := _percent_fault(values.get("percent")):
        faults.append(fault)
    if fault := _webhook_fault(values.get("webhook_url"), webhook_policy):
        faults.append(fault)
    if faults:
        raise bad_options(faults)
    percent = values.get("percent")
    return UploadOptions(
        compress=CompressOptions(percent=int(percent)) if percent else CompressOptions(),
        webhook_url=values.get("webhook_url"),
    )


def _misnamed(given: Sequence[tuple[str, str]]) -> list[Fault]:
    known = " and ".join(OPTIONS)
    return [
        Fault(detail=f"{name[:64]!r} is no option; the options are {known}", option=name[:64])
        if name not in OPTIONS
        else Fault(detail=f"{name} is given {count} times", option=name)
        for name, count in Counter(name for name, _ in given).items()
        if name not in OPTIONS or count > 1
    ]


def _percent_fault(value: str | None) -> Fault | None:
    if value is None or _PERCENT.fullmatch(value):
        return None
    return Fault(detail=f"percent is a whole number from 1 to 99, not {value[:64]!r}", option="percent")


def _webhook_fault(value: str | None, policy: AddressPolicy) -> Fault | None:
    if value is None:
        return None
    try:
        check_url(value, policy)
    except (InvalidUrl, BlockedAddress) as fault:
        return Fault(detail=f"webhook_url cannot be called: {fault.detail}", option="webhook_url")
    return None
