"""PNG and animated PNG: lossless first, then coarser true colour, then palettes."""

from services.compressor.encoders.png.ladder import png_ladder

__all__ = ["png_ladder"]
