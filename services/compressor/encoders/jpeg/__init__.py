"""JPEG: the ladder that trades quality for bytes."""

from services.compressor.encoders.jpeg.ladder import jpeg_ladder
from services.compressor.encoders.jpeg.quantisation import estimate_quality as estimate_jpeg_quality

__all__ = ["estimate_jpeg_quality", "jpeg_ladder"]
