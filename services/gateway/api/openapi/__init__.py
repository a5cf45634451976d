"""The OpenAPI document: what FastAPI cannot derive from the routes. Routes describe themselves with its parts."""

from services.gateway.api.openapi.document import install
from services.gateway.api.openapi.operations import (
    CANCEL_ACCEPTED,
    DELIVERIES,
    DELIVERY,
    DRY_RUN,
    OUTPUT,
    OUTPUT_FILE,
    REPLAY_ACCEPTED,
    REQUEST,
    REQUEST_DETAILS,
    REQUEST_IN_QUERY,
    RESULT,
    RESULT_FILE,
    RETRY_ACCEPTED,
    UPLOAD_ACCEPTED,
    VALIDATION,
    catalogue_body,
    problems,
)

__all__ = [
    "CANCEL_ACCEPTED",
    "DELIVERIES",
    "DELIVERY",
    "DRY_RUN",
    "OUTPUT",
    "OUTPUT_FILE",
    "REPLAY_ACCEPTED",
    "REQUEST",
    "REQUEST_DETAILS",
    "REQUEST_IN_QUERY",
    "RESULT",
    "RESULT_FILE",
    "RETRY_ACCEPTED",
    "UPLOAD_ACCEPTED",
    "VALIDATION",
    "catalogue_body",
    "install",
    "problems",
]
