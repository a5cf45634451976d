"""JPEG: the ladder that trades quality for bytes, and removing metadata without touching pixels."""

from services.compressor.encoders.jpeg.encoder import ladder

__all__ = ["ladder"]
