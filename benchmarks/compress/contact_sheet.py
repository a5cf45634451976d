"""A sheet of the worst comparisons: original, our result and the peer's, unscaled."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from benchmarks.compress.imagemill import encode_to_size
from benchmarks.compress.metrics import Similarity, shown
from benchmarks.compress.quality import Comparison, limit_of, peers

_SIDE = 240
_CAPTION = 34
_ACROSS = 2


def write_contact_sheet(comparisons: Sequence[Comparison], path: Path) -> None:
    """Three crops for each comparison (original, ours, the peer's), where the results differ most."""
    rows = -(-len(comparisons) // _ACROSS)
    width, height = 3 * _SIDE + 12, _SIDE + _CAPTION
    sheet = Image.new("RGB", (_ACROSS * width, rows * height), "white")
    for number, comparison in enumerate(comparisons):
        _paste(sheet, comparison, (number % _ACROSS * width, number // _ACROSS * height))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, "JPEG", quality=80, subsampling="4:4:4", optimize=True)


def _paste(sheet: Image.Image, comparison: Comparison, at: tuple[int, int]) -> None:
    original, ours, theirs = _three(comparison)
    box = _where_they_differ(ours, theirs)
    for number, picture in enumerate((original, ours, theirs)):
        sheet.paste(picture.crop(box), (at[0] + number * (_SIDE + 2), at[1] + _CAPTION))
    draw = ImageDraw.Draw(sheet)
    kilobytes = f"{comparison.their_bytes / 1000:.0f} kB"
    draw.text((at[0] + 4, at[1] + 3), f"{comparison.file.path.stem}, {kilobytes}", fill="black", font=_font())
    captions = ("original", f"ours {_figures(comparison.ours)}", f"{comparison.peer} {_figures(comparison.theirs)}")
    for number, caption in enumerate(captions):
        draw.text((at[0] + 4 + number * (_SIDE + 2), at[1] + 18), caption, fill="black", font=_font())


def _three(comparison: Comparison) -> tuple[Image.Image, Image.Image, Image.Image]:
    original = comparison.file.read()
    decoded = shown(original)
    theirs = peers(limit_of(original))[comparison.peer](original)
    ours = shown(encode_to_size(original, comparison.their_bytes))
    return decoded, ours.resize(decoded.size, Image.Resampling.LANCZOS), shown(theirs or original)


def _where_they_differ(ours: Image.Image, theirs: Image.Image) -> tuple[int, int, int, int]:
    """The crop with the largest difference, among crops half a crop apart."""
    difference = np.asarray(ImageChops.difference(ours, theirs), np.float64).sum(axis=2)
    step = _SIDE // 2
    corners = [
        (left, top)
        for top in range(0, max(1, ours.height - _SIDE + 1), step)
        for left in range(0, max(1, ours.width - _SIDE + 1), step)
    ]
    left, top = max(corners, key=lambda at: difference[at[1] : at[1] + _SIDE, at[0] : at[0] + _SIDE].sum())
    return left, top, left + _SIDE, top + _SIDE


def _figures(one: Similarity) -> str:
    return f"{one.ssim:.4f}  {one.ssimulacra2:.1f}"


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(12)
