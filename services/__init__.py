"""The four services."""

__version__ = "0.1.0"
