"""Query parameters and request ids of the API, checked in the project's own words. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

from services.gateway.web.problems import bad_options, bad_parameters, unknown_request
from services.gateway.web.schemas import InputError

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def check_query(given: Sequence[tuple[str, str]], required: Sequence[str] = ()) -> dict[str, str]:
    """The values of the `required` parameters, the only ones that may be given.

    Raises Problem (422), which lists everything that is missing, repeated or unknown.
    """
    names = {name for name, _ in given}
    missing = [InputError(detail=f"{name} is missing", option=name) for name in required if name not in names]
    errors = [*missing, *name_errors(given, required)]
    if any(error.option in required for error in errors):
        raise bad_parameters(errors)
    if errors:
        raise bad_options(errors)
    return dict(given)


def name_errors(given: Sequence[tuple[str, str]], known: Sequence[str]) -> list[InputError]:
    """An error for each name that is not `known` or is given more than once."""
    return [
        InputError(detail=f"{name[:64]!r} is not an option; {_listing(known)}", option=name[:64])
        if name not in known
        else InputError(detail=f"{name} is given {count} times", option=name)
        for name, count in Counter(name for name, _ in given).items()
        if name not in known or count > 1
    ]


def request_id_of(text: str) -> str:
    """The request id that `text` writes in any case, as it is stored. Raises Problem (404) if it is not a ULID."""
    if not is_request_id(text):
        raise unknown_request(text)
    return text.upper()


def is_request_id(text: str) -> bool:
    return text.isascii() and _ULID.fullmatch(text.upper()) is not None


def _listing(known: Sequence[str]) -> str:
    if not known:
        return "this address has none"
    if len(known) == 1:
        return f"the only one is {known[0]}"
    return f"the options are {', '.join(known[:-1])} and {known[-1]}"
