"""Real photographs of various sizes and formats, made once from those that scikit-image brings along."""

from dataclasses import dataclass
from pathlib import Path

import skimage
from PIL import Image

BUNDLED = Path(skimage.__file__).parent / "data"


@dataclass(frozen=True)
class Photo:
    """A file of the shop, made from a bundled one; quality None takes that over as it is."""

    name: str
    source: str
    quality: int | None = None
    scale: float = 1


PHOTOS = (
    Photo("astronaut.jpg", "astronaut.png", quality=95),
    Photo("astronaut-large.jpg", "astronaut.png", quality=92, scale=3),
    Photo("cat.jpg", "chelsea.png", quality=92),
    Photo("coffee.jpg", "coffee.png", quality=96, scale=2),
    Photo("coins.jpg", "coins.png", quality=90),
    Photo("galaxies.jpg", "hubble_deep_field.jpg"),
    Photo("motorcycle.png", "motorcycle_left.png"),
    Photo("motorcycle-right.webp", "motorcycle_right.png", quality=92),
    Photo("retina.jpg", "retina.jpg"),
    Photo("rocket.jpg", "rocket.jpg"),
)


def make_photos(folder: Path) -> None:
    """Make the shop's photographs that are not in `folder` yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for photo in PHOTOS:
        if not (folder / photo.name).exists():
            _make(photo, folder / photo.name)


def _make(photo: Photo, target: Path) -> None:
    half_made = target.with_suffix(".tmp")
    if photo.quality is None:
        half_made.write_bytes((BUNDLED / photo.source).read_bytes())
    else:
        with Image.open(BUNDLED / photo.source) as image:
            size = (round(image.width * photo.scale), round(image.height * photo.scale))
            resized = image.resize(size, Image.Resampling.LANCZOS)
        kind = "WEBP" if target.suffix == ".webp" else "JPEG"
        resized.save(half_made, format=kind, quality=photo.quality)
    half_made.replace(target)
