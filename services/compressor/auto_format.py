"""Format "auto": the smallest file in a format that browsers show and that keeps alpha and animation. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from services.compressor.decoders import Format, Picture, has_alpha
from services.compressor.encoders import MAX_SIDE, holds_hdr
from services.compressor.rendition import Renderer, Rendition
from services.compressor.ssim import ssim

_BROWSER_FORMATS: frozenset[Format] = frozenset({"jpeg", "png", "gif", "webp", "avif"})
_ALTERNATIVES: tuple[Format, ...] = ("webp", "avif")

MAX_COMPARED_PIXELS = 20_000_000
"""In all frames. A larger picture is encoded in one format only, to stay within the time limit."""

_EXTRA_QUALITIES = (0, 10)
"""Tried in turn, on top of the quality that usually looks the same: some pictures need more."""

_SSIM_TOLERANCE = 0.01
"""A loss of SSIM that is hardly visible."""


def smallest_rendition(renderer: Renderer) -> Rendition:
    """Render in the best matching format, then replace it by a smaller file in another format that looks the same.

    If the first rendition had to be scaled down to fit, the other formats are fitted independently, and of those that
    fit the rendition with the most pixels wins.
    """
    first, *others = _candidate_formats(renderer.picture)
    reference = best = renderer.render(first)
    if reference.picture is not renderer.picture:
        for format_ in others:
            best = _first_better(best, [renderer.encode(format_)], partial(_fits_better, renderer))
        return best
    if not others:
        return reference
    reference_ssim = ssim(reference.picture.image, reference.data)
    if reference_ssim is None:
        return reference
    for format_ in others:
        rivals = (renderer.encode_like(reference, format_, extra) for extra in _EXTRA_QUALITIES)
        best = _first_better(best, rivals, partial(_is_smaller_and_alike, reference.picture, reference_ssim))
    return best


def _first_better(
    best: Rendition, rivals: Iterable[Rendition], better: Callable[[Rendition, Rendition], bool]
) -> Rendition:
    """The first rival that is better, else `best`; its `encodes` include those of every rival that was encoded."""
    encodes = best.encodes
    for rival in rivals:
        encodes += rival.encodes
        if better(best, rival):
            return replace(rival, encodes=encodes)
    return replace(best, encodes=encodes)


def _fits_better(renderer: Renderer, best: Rendition, rival: Rendition) -> bool:
    """Within the limit; then more pixels; then fewer bytes."""

    def rank(each: Rendition) -> tuple[bool, int, int]:
        return renderer.fits(each), each.picture.image.width * each.picture.image.height, -len(each.data)

    return rank(rival) > rank(best)


def _is_smaller_and_alike(picture: Picture, min_ssim: float, best: Rendition, rival: Rendition) -> bool:
    """picture, min_ssim: the pixels to compare with, and the SSIM of the first rendition."""
    if len(rival.data) >= len(best.data):
        return False
    rival_ssim = ssim(picture.image, rival.data)
    return rival_ssim is not None and rival_ssim >= min_ssim - _SSIM_TOLERANCE


def _candidate_formats(picture: Picture) -> list[Format]:
    """The original's format or the nearest one that browsers show, then the alternatives that can hold the picture."""
    own = picture.format
    first: Format
    if own in _BROWSER_FORMATS and (own != "jpeg" or not has_alpha(picture.image)):
        first = own
    else:
        first = "webp" if picture.animation or has_alpha(picture.image) else "jpeg"
    frames = picture.animation.count if picture.animation else 1
    if frames * picture.image.width * picture.image.height > MAX_COMPARED_PIXELS:
        return [first]
    return [first, *(each for each in _ALTERNATIVES if each != first and _can_hold(each, picture))]


def _can_hold(format_: Format, picture: Picture) -> bool:
    """Without scaling or tone mapping, and with its repetitions, whose number Pillow cannot write into an AVIF."""
    if not holds_hdr(format_, picture):
        return False
    if format_ == "avif" and picture.animation and picture.animation.loop != 0:
        return False
    return max(picture.image.size) <= MAX_SIDE[format_]
