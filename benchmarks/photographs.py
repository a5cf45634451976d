"""Real photographs in the sizes of catalogues, made from those in scikit-image."""

import hashlib
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

SOURCES = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png", "retina.jpg", "rocket.jpg")
SIZES = ((400, 400), (600, 600), (800, 600), (800, 800), (1000, 750), (1200, 1200))


def make_photographs(folder: Path, count: int) -> list[Path]:
    """`count` different JPEGs of quality 90, 400 x 400 to 1200 x 1200 pixels; created once in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05}.jpg" for number in range(count)]
    data = Path(skimage.__file__).parent / "data"
    pictures = [Image.open(data / name).convert("RGB") for name in SOURCES]
    for number, path in enumerate(paths):
        if not path.exists():
            _variation(pictures[number % len(pictures)], number).save(path, "JPEG", quality=90)
    return paths


def _variation(picture: Image.Image, number: int) -> Image.Image:
    """A different crop for each number, scaled to one of the sizes."""
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:8]))
    share = random.uniform(0.6, 1.0)
    width, height = int(picture.width * share), int(picture.height * share)
    left, top = random.integers(0, picture.width - width + 1), random.integers(0, picture.height - height + 1)
    crop = picture.crop((int(left), int(top), int(left) + width, int(top) + height))
    return crop.resize(SIZES[number % len(SIZES)], Image.Resampling.LANCZOS)
