"""Encoders: one module or package for each output format, behind a common `Ladder`. Pure.

`LADDERS` gives the ladder of a picture in a format. AVIF and WebP are single modules; BMP, GIF, JPEG, PNG and TIFF are
packages; `palette` reduces colours for the formats that have no quality setting.
"""

from services.compressor.encoders.jpeg import estimate_jpeg_quality
from services.compressor.encoders.registry import EXTENSIONS, LADDERS, MAX_SIDE, holds_hdr

__all__ = ["EXTENSIONS", "LADDERS", "MAX_SIDE", "estimate_jpeg_quality", "holds_hdr"]
