"""The OpenAPI document: what FastAPI cannot derive from the routes. Routes use `operations`, the app `install`."""

from services.gateway.api.openapi.document import install

__all__ = ["install"]
