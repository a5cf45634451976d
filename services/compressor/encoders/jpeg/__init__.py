"""JPEG: the ladder that trades quality for bytes, and removing metadata without touching pixels."""

from services.compressor.encoders.jpeg.ladder import jpeg_ladder
from services.compressor.encoders.jpeg.quantisation import estimate_quality as estimate_jpeg_quality
from services.compressor.encoders.jpeg.strip_metadata import strip_jpeg_metadata

__all__ = ["estimate_jpeg_quality", "jpeg_ladder", "strip_jpeg_metadata"]
