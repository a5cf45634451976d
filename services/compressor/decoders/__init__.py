"""Decode an original into a `Picture`: its pixels upright, its colours defined, its metadata filtered. Pure.

`open_picture` is the way in. The other names are what encoders need to work on a `Picture` or on a JPEG's or PNG's
bytes: pixel modes, colour profiles, segments and chunks.
"""

from services.compressor.decoders.colour_profile import is_grey_profile, is_icc_profile, to_srgb
from services.compressor.decoders.density import Density, jfif_density, per_metre
from services.compressor.decoders.gain_map import GainMap, has_gain_map
from services.compressor.decoders.gif import GifFrame, after_gif_blocks, read_gif
from services.compressor.decoders.hdr import Hdr
from services.compressor.decoders.inflate import inflated
from services.compressor.decoders.jpeg_applications import JpegApplication
from services.compressor.decoders.jpeg_profile import read_jpeg_profile
from services.compressor.decoders.jpeg_rows import RESTART_ROWS, rows_between_restarts
from services.compressor.decoders.jpeg_segments import START_OF_SCAN, iter_jpeg_segments, scan_data_end
from services.compressor.decoders.open import open_picture
from services.compressor.decoders.picture import Animation, Format, Frame, JpegSource, Picture
from services.compressor.decoders.pixel_modes import drop_opaque_alpha, flatten_on_white, has_alpha, to_basic_mode
from services.compressor.decoders.png_chunks import (
    PNG_COLOUR_CHUNKS,
    PNG_KEY_BYTES,
    PNG_SIGNATURE,
    Header,
    iter_png_chunks,
    pixel_bytes,
    png_chunk_bytes,
    png_header,
)
from services.compressor.decoders.png_essentials import essential_png
from services.compressor.decoders.png_key import apply_colour_key
from services.compressor.decoders.tiff_pages import tiff_page_offset

__all__ = [
    "PNG_COLOUR_CHUNKS",
    "PNG_KEY_BYTES",
    "PNG_SIGNATURE",
    "RESTART_ROWS",
    "START_OF_SCAN",
    "Animation",
    "Density",
    "Format",
    "Frame",
    "GainMap",
    "GifFrame",
    "Hdr",
    "Header",
    "JpegApplication",
    "JpegSource",
    "Picture",
    "after_gif_blocks",
    "apply_colour_key",
    "drop_opaque_alpha",
    "essential_png",
    "flatten_on_white",
    "has_alpha",
    "has_gain_map",
    "inflated",
    "is_grey_profile",
    "is_icc_profile",
    "iter_jpeg_segments",
    "iter_png_chunks",
    "jfif_density",
    "open_picture",
    "per_metre",
    "pixel_bytes",
    "png_chunk_bytes",
    "png_header",
    "read_gif",
    "read_jpeg_profile",
    "rows_between_restarts",
    "scan_data_end",
    "tiff_page_offset",
    "to_basic_mode",
    "to_srgb",
]
