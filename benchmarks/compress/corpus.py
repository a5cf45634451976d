"""Over 250 pictures of all kinds found in catalogues, generated from photographs in packages and from drawing code."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.compress.drawn import DRAWN, cut_out_product, moving, product, screenshot
from benchmarks.compress.photographs import SIZES, photographs, view

_VERSION = "1"  # of the recipes: a new version regenerates all files

# Encoder settings found in real JPEGs, as Pillow's options; used in turn.
_JPEG_SETTINGS: Sequence[Mapping[str, Any]] = (
    {"quality": 90},
    {"quality": 85, "optimize": True},
    {"quality": 95, "subsampling": "4:4:4"},
    {"quality": 80, "progressive": True},
    {"quality": 92, "subsampling": "4:2:2"},
    {"quality": 75},
    {"quality": 88, "subsampling": "4:4:4", "optimize": True},
    {"quality": 97, "subsampling": "4:4:4"},
    {"quality": 70, "optimize": True},
    {"quality": 93, "progressive": True, "subsampling": "4:4:4"},
    {"quality": 82, "subsampling": "4:2:2", "progressive": True},
)


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """One file of the corpus. kind: what it shows, such as "photograph"; format: as the compressor names it."""

    path: Path
    kind: str
    format: str

    def read(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class _Recipe:
    """A file to generate. source: which photograph; None if the picture is drawn. settings: for Pillow's encoder."""

    kind: str
    format: str
    size: tuple[int, int]
    seed: int
    source: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        settings = "".join(f"-{value}".replace(":", "") for value in self.settings.values() if value is not True)
        flags = "".join(f"-{name}" for name, value in self.settings.items() if value is True)
        return f"{self.kind.replace(' ', '-')}-{self.seed:03}{settings}{flags}.{self.format}"


def make_corpus(home: Path) -> list[CorpusFile]:
    """Generated once, then kept in `home`; needs the packages of `photographs`."""
    sources = photographs()
    folder = home / f"corpus-{_VERSION}-{len(sources)}"
    folder.mkdir(parents=True, exist_ok=True)
    return [_made(recipe, sources, folder / recipe.name) for recipe in _recipes()]


def _made(recipe: _Recipe, sources: Sequence[Path], path: Path) -> CorpusFile:
    if not path.exists():
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(_encoded(_drawn(recipe, sources), recipe))
        unfinished.replace(path)
    return CorpusFile(path, recipe.kind, recipe.format)


def _recipes() -> Iterator[_Recipe]:
    yield from _photographs()
    yield from _drawn_jpegs()
    yield from _other_formats()


def _photographs() -> Iterator[_Recipe]:
    for number in range(132):
        settings = _JPEG_SETTINGS[(number + number // 44) % len(_JPEG_SETTINGS)]
        yield _Recipe("photograph", "jpeg", SIZES[(number * 5) % len(SIZES)], number, number, settings)
    for number in range(4):
        yield _Recipe("large photograph", "jpeg", (2400, 1600), number, number * 7, _JPEG_SETTINGS[number])
    for number in range(6):
        yield _Recipe("grey photograph", "jpeg", SIZES[number], number, number * 5, {"quality": 78 + 3 * number})
    for number in range(3):
        yield _Recipe("CMYK photograph", "jpeg", SIZES[number], number, number * 9, {"quality": 90})


def _drawn_jpegs() -> Iterator[_Recipe]:
    for kind, count in (("product", 24), ("screenshot", 8), ("line art", 6), ("texture", 8)):
        for seed in range(count):
            settings = _JPEG_SETTINGS[(seed * 3) % len(_JPEG_SETTINGS)]
            yield _Recipe(kind, "jpeg", SIZES[(seed * 7) % len(SIZES)], seed, None, settings)


def _other_formats() -> Iterator[_Recipe]:
    for number in range(8):
        yield _Recipe("photograph", "webp", SIZES[number], number, number * 3, {"quality": 75 + 3 * number})
        yield _Recipe("photograph", "png", SIZES[number + 2], number, number * 3 + 1)
        yield _Recipe("screenshot", "png", SIZES[number + 3], number)
        yield _Recipe("alpha", "png", SIZES[number], number)
    for number in range(4):
        yield _Recipe("line art", "png", SIZES[number], number)
        yield _Recipe("alpha", "webp", SIZES[number], number, None, {"quality": 90})
        yield _Recipe("palette", "png", SIZES[number], number)
        yield _Recipe("palette", "gif", SIZES[number + 1], number)
        yield _Recipe("photograph", "avif", SIZES[number], number, number * 2, {"quality": 70 + 5 * number})
        yield _Recipe("screenshot", "webp", SIZES[number], number, None, {"lossless": True})
    for number in range(3):
        for format_ in ("gif", "png", "webp"):
            yield _Recipe("animation", format_, (320, 320 - 40 * number), number)
        yield _Recipe("photograph", "tiff", SIZES[number], number, number)
        yield _Recipe("photograph", "bmp", SIZES[number + 5], number, number + 8)


def _drawn(recipe: _Recipe, sources: Sequence[Path]) -> list[Image.Image]:
    """The frames; one for a still picture."""
    if recipe.kind == "animation":
        return moving(recipe.size, recipe.seed)
    if recipe.kind == "alpha":
        return [cut_out_product(recipe.size, recipe.seed)]
    if recipe.kind == "palette":
        draw = screenshot if recipe.seed % 2 else product
        return [draw(recipe.size, recipe.seed).quantize(256 >> recipe.seed)]
    if recipe.source is None:
        drawn: Image.Image = DRAWN[recipe.kind](recipe.size, recipe.seed)
        return [drawn]
    picture = view(_opened(sources[recipe.source % len(sources)]), recipe.size, recipe.seed)
    return [picture.convert({"grey photograph": "L", "CMYK photograph": "CMYK"}.get(recipe.kind, "RGB"))]


@cache
def _opened(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def _encoded(frames: list[Image.Image], recipe: _Recipe) -> bytes:
    out = io.BytesIO()
    options = dict(recipe.settings)
    if len(frames) > 1:
        options |= {"save_all": True, "append_images": frames[1:], "duration": 80, "loop": 0}
    if recipe.format == "jpeg":
        options["icc_profile"] = None
    frames[0].save(out, recipe.format.upper(), **options)
    return out.getvalue()
