"""Generated pictures that compress like photographs: smooth shading and some texture."""

import io
from typing import Any

import numpy as np
from PIL import Image


def a_photo(seed: int, width: int = 320, height: int = 240, file_format: str = "JPEG", **save: Any) -> bytes:
    """An encoded picture. Equal arguments give equal bytes, different seeds different pictures.

    JPEG and WebP are saved at quality 92 unless `save` says otherwise.
    """
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    light = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    texture = random.integers(-18, 19, (height, width, 1), dtype=np.int16)
    picture = Image.fromarray(np.clip(light + texture, 0, 255).astype(np.uint8))
    if file_format in {"JPEG", "WEBP"}:
        save = {"quality": 92, **save}
    file = io.BytesIO()
    picture.save(file, file_format, **save)
    return file.getvalue()


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of an encoded picture, which is decoded completely."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.size
