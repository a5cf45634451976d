"""The HTTP API: its routes, its OpenAPI document and its documentation page."""

from services.gateway.api.app import ApiParts, build_app, build_starting_app

__all__ = ["ApiParts", "build_app", "build_starting_app"]
