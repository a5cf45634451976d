"""Fewer colours: the lossy step of the formats that have no quality setting (PNG, GIF, BMP).

Decision 0011 explains how palettes are chosen.
"""

from services.compressor.encoders.palette.frame_palettes import (
    MAX_COLOURS,
    FramePalette,
    exact_palette,
    histogram_of_frames,
    reduced_palette,
)
from services.compressor.encoders.palette.histogram import Histogram
from services.compressor.encoders.palette.reduction import (
    COLOURS,
    Palette,
    Reduction,
    count_colours,
    lowest_colours,
    palette_image,
)
from services.compressor.encoders.palette.size_prediction import (
    predict_animation_bytes,
    predict_sizes_by_colours,
    strip_sample,
)
from services.compressor.encoders.palette.true_colour import (
    ALL_COLOURS,
    STEP_OF_COLOURS,
    STEPPED,
    colours_of_quality,
    round_colours,
)

__all__ = [
    "ALL_COLOURS",
    "COLOURS",
    "MAX_COLOURS",
    "STEPPED",
    "STEP_OF_COLOURS",
    "FramePalette",
    "Histogram",
    "Palette",
    "Reduction",
    "colours_of_quality",
    "count_colours",
    "exact_palette",
    "histogram_of_frames",
    "lowest_colours",
    "palette_image",
    "predict_animation_bytes",
    "predict_sizes_by_colours",
    "reduced_palette",
    "round_colours",
    "strip_sample",
]
