"""Choose a JPEG's chroma subsampling.

At equal bytes, halved chrominance leaves more bytes for luminance. The decision compares the loss in the most affected
tile with what coarse quantisation loses anyway; docs/compression.md has figures.
"""

from PIL import Image

from services.compressor.decoders import JpegSource
from services.compressor.encoders.chrominance_loss import (
    FULL,
    HALVED,
    Subsampling,
    chrominance_loss,
    finest_subsampling,
)

_HALVED_DOWN: Subsampling = (1, 2)

# Full resolution is worth its bytes from a quality and a loss on: the source's subsampling, the quality, the loss.
_WORTH_KEEPING = (
    ((1, 1), 60, 12.0),
    ((1, 1), 88, 7.0),
    ((2, 1), 60, 5.5),
    ((1, 2), 70, 8.0),
)
_NOTICEABLE = 2.0
"""Below this loss, full resolution is not worth its time either."""


def subsampling_for(
    image: Image.Image, source: JpegSource | None, quality: int, *, is_free: bool = False
) -> Subsampling:
    """The subsampling for a JPEG of about this quality with halved chrominance.

    image: in mode L, RGB or RGBX. is_free: full resolution costs no quality. The result is never finer than the
    source, except that 4:4:0 becomes 4:4:4, since Pillow writes no 4:4:0.
    """
    if image.mode == "L":
        return HALVED
    original = finest_subsampling(source)
    losses = [loss for has, min_quality, loss in _WORTH_KEEPING if has == original and quality >= min_quality]
    if is_free and original != HALVED:
        losses.append(_NOTICEABLE)
    if not losses or chrominance_loss(image, original) <= min(losses):
        return HALVED
    return FULL if original == _HALVED_DOWN else original
