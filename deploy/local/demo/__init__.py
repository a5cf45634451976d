"""Photographs through the whole pipeline, as a client sees it: upload, progress, output CSV, webhook."""

from deploy.local.demo.play import demo

__all__ = ["demo"]
