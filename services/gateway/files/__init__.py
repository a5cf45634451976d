"""Serves results and outputs from the object store, with HTTP's conditions and ranges."""

from services.gateway.files.serve import ObjectServer

__all__ = ["ObjectServer"]
