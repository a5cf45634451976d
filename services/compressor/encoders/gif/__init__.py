"""GIF, still and animated: lossless first, then palettes of fewer colours."""

from services.compressor.encoders.gif.ladder import gif_ladder

__all__ = ["gif_ladder"]
