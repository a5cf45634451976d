"""The error codes, from shared/contracts/error_codes.py."""

from dev.docs.markdown import code, table
from shared.contracts.error_codes import ERROR_GUIDES


def error_codes() -> str:
    rows = [
        (code(error), guide.when, "yes" if guide.retryable else "no", code(guide.owner), guide.advice)
        for error, guide in ERROR_GUIDES.items()
    ]
    return table(("code", "when", "retryable", "owner", "advice"), rows)
