"""The API's routes, from the OpenAPI document."""

from dev.docs.markdown import code, table
from dev.openapi.document import openapi_document


def routes() -> str:
    rows = [
        (code(f"{method.upper()} {path}"), f"{operation['summary']}.")
        for path, operations in openapi_document()["paths"].items()
        for method, operation in operations.items()
    ]
    return table(("route", "purpose"), rows)
