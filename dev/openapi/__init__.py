"""Linting of the OpenAPI document with Redocly's rules; see `make check-openapi`."""
