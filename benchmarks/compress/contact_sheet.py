"""The pictures where ours trails most, beside the original and the peer, in their own pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from benchmarks.compress.beauty import Duel, limit_of, peers
from benchmarks.compress.metrics import Likeness, shown
from benchmarks.compress.ours import fills

_SIDE = 240
_CAPTION = 34
_ACROSS = 2


def write_contact_sheet(duels: Sequence[Duel], path: Path) -> None:
    """Three crops for each: original, ours, theirs; where their pictures differ most, by light and colour."""
    rows = -(-len(duels) // _ACROSS)
    width, height = 3 * _SIDE + 12, _SIDE + _CAPTION
    sheet = Image.new("RGB", (_ACROSS * width, rows * height), "white")
    for number, duel in enumerate(duels):
        _paste(sheet, duel, (number % _ACROSS * width, number // _ACROSS * height))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, "JPEG", quality=80, subsampling="4:4:4", optimize=True)


def _paste(sheet: Image.Image, duel: Duel, at: tuple[int, int]) -> None:
    original, ours, theirs = _three(duel)
    box = _where_they_differ(ours, theirs)
    for number, picture in enumerate((original, ours, theirs)):
        sheet.paste(picture.crop(box), (at[0] + number * (_SIDE + 2), at[1] + _CAPTION))
    draw = ImageDraw.Draw(sheet)
    kilobytes = f"{duel.their_bytes / 1000:.0f} kB"
    draw.text((at[0] + 4, at[1] + 3), f"{duel.specimen.path.stem}, {kilobytes}", fill="black", font=_font())
    captions = ("original", f"ours {_figures(duel.ours)}", f"{duel.peer} {_figures(duel.theirs)}")
    for number, caption in enumerate(captions):
        draw.text((at[0] + 4 + number * (_SIDE + 2), at[1] + 18), caption, fill="black", font=_font())


def _three(duel: Duel) -> tuple[Image.Image, Image.Image, Image.Image]:
    original = duel.specimen.read()
    decoded = shown(original)
    theirs = peers(limit_of(original))[duel.peer](original)
    ours = shown(fills(original, duel.their_bytes))
    return decoded, ours.resize(decoded.size, Image.Resampling.LANCZOS), shown(theirs or original)


def _where_they_differ(ours: Image.Image, theirs: Image.Image) -> tuple[int, int, int, int]:
    """The crop with the largest difference, of those that lie half a crop apart."""
    difference = np.asarray(ImageChops.difference(ours, theirs), np.float64).sum(axis=2)
    step = _SIDE // 2
    corners = [
        (left, top)
        for top in range(0, max(1, ours.height - _SIDE + 1), step)
        for left in range(0, max(1, ours.width - _SIDE + 1), step)
    ]
    left, top = max(corners, key=lambda at: difference[at[1] : at[1] + _SIDE, at[0] : at[0] + _SIDE].sum())
    return left, top, left + _SIDE, top + _SIDE


def _figures(one: Likeness) -> str:
    return f"{one.ssim:.4f}  {one.ssimulacra2:.1f}"


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(12)
