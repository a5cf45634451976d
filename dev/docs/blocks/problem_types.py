"""The API's problem types, from services/gateway/web/problem_types.py."""

from dev.docs.markdown import code, table
from services.gateway.web import ProblemType


def problem_types() -> str:
    rows = [(str(type_.status.value), code(type_.slug), type_.when) for type_ in ProblemType]
    return table(("status", "`type` ends in", "meaning"), rows)
