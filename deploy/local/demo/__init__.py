"""The demo: real photographs on a real stack, from a client's view: upload, progress, output CSV, webhook."""

from deploy.local.demo.run import demo

__all__ = ["demo"]
