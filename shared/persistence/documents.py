"""What the collections have in common: the types of documents and clocks, and the ids of a request's documents."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

Document = dict[str, Any]
"""A document, a part of one, or a condition on documents."""

Clock = Callable[[], datetime]
"""Returns the current time as an aware datetime."""


def id_bounds(request_id: str) -> tuple[str, str]:
    """The ids of the request's documents, "<request_id>:…", are at least the first bound and less than the second."""
    return f"{request_id}:", f"{request_id};"  # ";" follows ":"
