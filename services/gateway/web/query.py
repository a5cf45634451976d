"""Query parameters and request ids of the API, checked in the project's own words. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

from services.gateway.web.problems import bad_parameters, unknown_request
from services.gateway.web.schemas import InputError

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def check_query(path: str, given: Sequence[tuple[str, str]], required: Sequence[str] = ()) -> dict[str, str]:
    """The values of the `required` parameters, the only ones that `path` accepts.

    Raises Problem (422), which lists everything that is missing, repeated or unknown.
    """
    counts = Counter(name for name, _ in given)
    errors = [InputError(detail=f"{name} is missing", parameter=name) for name in required if name not in counts]
    for name, count in counts.items():
        if name not in required:
            errors.append(unknown_parameter(name, path, required))
        elif count > 1:
            errors.append(InputError(detail=f"{name} is given {count} times", parameter=name))
    if errors:
        raise bad_parameters(errors)
    return dict(given)


def unknown_parameter(name: str, path: str, accepted: Sequence[str] = ()) -> InputError:
    detail = f"{name[:64]!r} is not a query parameter of {path[:200]}; it accepts {_listing(accepted)}"
    return InputError(detail=detail, parameter=name[:64])


def request_id_of(text: str) -> str:
    """The request id that `text` writes in any case, as it is stored. Raises Problem (404) if it is not a ULID."""
    if not is_request_id(text):
        raise unknown_request(text)
    return text.upper()


def is_request_id(text: str) -> bool:
    return text.isascii() and _ULID.fullmatch(text.upper()) is not None


def _listing(names: Sequence[str]) -> str:
    return " and ".join(names) or "none"
