"""Whether a picture's colours need the full resolution in a JPEG.

The eye sees colour less sharply than brightness, so half the resolution is enough, and at equal bytes leaves more for
the brightness; except where saturated colours meet at sharp edges, as in red lettering.
"""

import numpy as np
from PIL import Image, ImageChops

from services.compressor.fitting.tile_sample import tile_sample
from services.compressor.opening.picture import JpegSource

_TILES = 100
_SHARP = 12.0  # of 255; see docs/compression.md
_SHARPEST_PART = 90  # per cent of the tiles may be sharper than that without being asked


def needs_full_chrominance(image: Image.Image, source: JpegSource | None) -> bool:
    """For a picture in mode L, RGB or RGBX. A source with halved chrominance has no more to lose."""
    if image.mode == "L" or (source and source.subsampling != (1, 1)):
        return False
    return chrominance_loss(image) > _SHARP


def chrominance_loss(image: Image.Image) -> float:
    """Root mean square of what halving takes from the chrominance of the tile at the 90th percentile, 0 to 255."""
    sample = tile_sample(image, _TILES).convert("RGB").convert("YCbCr")
    coarse = sample.reduce(2).resize(sample.size, Image.Resampling.NEAREST)
    lost = np.asarray(ImageChops.difference(sample, coarse))[..., 1:].astype(np.uint16)
    height, width = lost.shape[0] // 16 * 16, lost.shape[1] // 16 * 16
    if height == 0 or width == 0:
        return 0.0
    squares = np.square(lost[:height, :width]).reshape(height // 16, 16, width // 16, 32)
    return float(np.sqrt(np.percentile(squares.sum(axis=(1, 3)) / 256, _SHARPEST_PART)))
