"""GIFs that violate their format, but that every browser shows."""

import struct
from collections.abc import Callable
from functools import partial

from PIL import Image

from tests.zoo.gifs import colour_table, control_block, frame_block, gif_file, lzw, with_palette
from tests.zoo.specimen import SIZE, WIDTH, Specimen, gradient, with_alpha

_RESTORE, _RESTORE_BY_OLD_CODE = 3, 4
_PATCH = (20, 10)


def _picture() -> Image.Image:
    return with_palette(gradient(16))


def _of_one_frame(*, screen: tuple[int, int] = SIZE, end: bytes = b";") -> Specimen:
    """screen: browsers enlarge it until the first frame fits."""
    picture = _picture()
    data = gif_file(frame_block(picture), common=picture, screen=screen, end=end)
    return Specimen(data, "gif", picture.convert("RGB"))


def _without_end_of_blocks() -> Specimen:
    """The file ends right after the last pixel."""
    picture = _picture()
    return Specimen(gif_file(frame_block(picture)[:-1], common=picture, end=b""), "gif", picture.convert("RGB"))


def _beyond_its_screen() -> Specimen:
    part = _picture().crop((0, 0, *_PATCH))
    at = (SIZE[0] - _PATCH[0], SIZE[1] - _PATCH[1])
    shown = Image.new("RGBA", SIZE)
    shown.paste(part.convert("RGBA"), at)
    return Specimen(gif_file(frame_block(part, at), common=part, screen=(8, 8)), "gif", shown)


def _with_more_pixels_than_its_frame() -> Specimen:
    picture = _picture()
    blocks = frame_block(picture, data=lzw(picture.tobytes() + bytes(3 * WIDTH)))
    return Specimen(gif_file(blocks, common=picture), "gif", picture.convert("RGB"))


def _without_a_palette() -> Specimen:
    """Browsers show black."""
    head = b"GIF89a" + struct.pack("<HHBBB", *SIZE, 0, 0, 0)
    return Specimen(head + frame_block(_picture()) + b";", "gif", Image.new("RGB", SIZE))


def _patch_frame(at: tuple[int, int], disposal: int = 0) -> bytes:
    patch = Image.new("P", _PATCH, 0)
    patch.putpalette([255, 0, 0])
    return control_block(7, disposal) + frame_block(patch, at, own_palette=True)


def _animated(*later: bytes, end: bytes = b";") -> Specimen:
    picture = _picture()
    data = gif_file(control_block(7, 1), frame_block(picture), *later, common=picture, end=end)
    return Specimen(data, "gif", picture.convert("RGB"), milliseconds=(70,) * (1 + len(later)))


def _after_an_empty_frame() -> Specimen:
    picture = _picture()
    nothing = control_block(7, 1) + b"," + struct.pack("<HHHHB", 5, 5, 0, 0, 0) + lzw(b"")
    data = gif_file(nothing, control_block(7, 1), frame_block(picture), common=picture)
    return Specimen(data, "gif", with_alpha(gradient(), Image.new("L", SIZE)), milliseconds=(70, 70))


def restored_frames() -> list[Image.Image]:
    """The frames of "gif animated, restoring by an old code"."""
    base = _picture().convert("RGB")
    frames = [base.copy(), base.copy(), base.copy()]
    for later, at in zip(frames[1:], ((5, 5), (30, 20)), strict=True):
        later.paste((255, 0, 0), (*at, at[0] + _PATCH[0], at[1] + _PATCH[1]))
    return frames


def truncated_control_block() -> bytes:
    """The file ends where a further frame begins."""
    picture = _picture()
    return gif_file(control_block(7, 1), frame_block(picture), control_block(7, 1), common=picture, end=b"")


def codes_of_nine_bits() -> bytes:
    picture = _picture()
    return gif_file(frame_block(picture, data=b"\x09" + lzw(picture.tobytes())[1:]), common=picture)


def only_empty_frames() -> bytes:
    return gif_file(b"," + struct.pack("<HHHHB", 0, 0, 0, 0, 0) + lzw(b""), common=_picture(), screen=(0, 0))


def empty_screen_without_frames() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 0, 0, 0x87, 0, 0) + colour_table(_picture()) + b";"


ODD_GIFS: dict[str, Callable[[], Specimen]] = {
    "gif without its trailer": partial(_of_one_frame, end=b""),
    "gif with other bytes for its trailer": partial(_of_one_frame, end=b"\x99\x98 something else"),
    "gif with a truncated comment": partial(_of_one_frame, end=b"!\xfe\x20hello"),
    "gif without the end of its data blocks": _without_end_of_blocks,
    "gif with a screen smaller than its frame": partial(_of_one_frame, screen=(32, 24)),
    "gif with a screen of 0 x 0": partial(_of_one_frame, screen=(0, 0)),
    "gif with a screen that is too low": partial(_of_one_frame, screen=(WIDTH, 0)),
    "gif with a frame beyond its screen": _beyond_its_screen,
    "gif with more pixels than its frame": _with_more_pixels_than_its_frame,
    "gif without a palette": _without_a_palette,
    "gif animated without its trailer": lambda: _animated(_patch_frame((5, 5)), end=b""),
    "gif animated with a frame partly outside": lambda: _animated(_patch_frame((55, 43))),
    "gif animated, restoring by an old code": lambda: _animated(
        _patch_frame((5, 5), _RESTORE_BY_OLD_CODE), _patch_frame((30, 20), _RESTORE)
    ),
    "gif animated after an empty frame": _after_an_empty_frame,
}
