"""WebP: lossy, with alpha."""

import io
from collections.abc import Sequence
from functools import partial

from PIL import Image

from services.compressor.fitting.expected_size import webp_sizes
from services.compressor.fitting.ladder import QUALITIES, Ladder
from services.compressor.opening.colours import plain
from services.compressor.opening.picture import Picture


def ladder(picture: Picture, original_bytes: int) -> Ladder:
    def expected(_limit: int) -> Sequence[float]:
        return webp_sizes(original_bytes)

    return Ladder(QUALITIES, partial(_encode, picture, plain(picture.image)), expected)


def _encode(picture: Picture, image: Image.Image, quality: int) -> bytes:
    """Alpha is kept without loss."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, icc_profile=picture.icc_profile)
    return out.getvalue()
