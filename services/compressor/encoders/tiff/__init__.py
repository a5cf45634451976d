"""TIFF: lossless first, then JPEG compression inside the TIFF."""

from services.compressor.encoders.tiff.ladder import tiff_ladder

__all__ = ["tiff_ladder"]
