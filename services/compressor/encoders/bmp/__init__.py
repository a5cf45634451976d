"""BMP: fewer bits per pixel."""

from services.compressor.encoders.bmp.ladder import bmp_ladder

__all__ = ["bmp_ladder"]
