"""Real photographs in various sizes and formats, made once from those in scikit-image."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import skimage
from PIL import Image

BUNDLED = Path(skimage.__file__).parent / "data"


WRITTEN = {".jpg": "JPEG", ".webp": "WEBP", ".gif": "GIF", ".avif": "AVIF", ".tif": "TIFF"}
STEP = 6  # pixels by which the camera zooms in between two frames, on each side


@dataclass(frozen=True)
class Photo:
    """A file of the shop, made from a bundled one. A file in the same format is copied unchanged.

    quality: of the encoder, if it has one. frames: of a GIF in which the camera zooms in.
    """

    name: str
    source: str
    quality: int = 90
    scale: float = 1
    frames: int = 1


PHOTOS = (
    Photo("astronaut.jpg", "astronaut.png", quality=95),
    Photo("astronaut-large.jpg", "astronaut.png", quality=92, scale=3),
    Photo("astronaut.tif", "astronaut.png"),
    Photo("cat.jpg", "chelsea.png", quality=92),
    Photo("cat.gif", "chelsea.png", frames=6),
    Photo("coffee.avif", "coffee.png", quality=85),
    Photo("coffee.jpg", "coffee.png", quality=96, scale=2),
    Photo("coins.jpg", "coins.png", quality=90),
    Photo("galaxies.jpg", "hubble_deep_field.jpg"),
    Photo("motorcycle.png", "motorcycle_left.png"),
    Photo("motorcycle-right.webp", "motorcycle_right.png", quality=92),
    Photo("retina.jpg", "retina.jpg"),
    Photo("rocket.jpg", "rocket.jpg"),
)


def make_photos(folder: Path) -> None:
    """Create the shop's photographs that `folder` does not contain yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for photo in PHOTOS:
        if not (folder / photo.name).exists():
            _make(photo, folder / photo.name)


def _make(photo: Photo, target: Path) -> None:
    half_made = target.with_suffix(".tmp")
    source = BUNDLED / photo.source
    if source.suffix == target.suffix:
        half_made.write_bytes(source.read_bytes())
    else:
        first, *others = _frames(photo, source)
        more: dict[str, Any] = {"save_all": True, "append_images": others, "duration": 120, "loop": 0} if others else {}
        first.save(half_made, format=WRITTEN[target.suffix], quality=photo.quality, **more)
    half_made.replace(target)


def _frames(photo: Photo, source: Path) -> list[Image.Image]:
    with Image.open(source) as image:
        size = (round(image.width * photo.scale), round(image.height * photo.scale))
        edges = [STEP * frame for frame in range(photo.frames)]
        boxes = [(edge, edge, image.width - edge, image.height - edge) for edge in edges]
        return [image.resize(size, Image.Resampling.LANCZOS, box) for box in boxes]
