"""JPEGs: what cameras, scanners and Photoshop write."""

from collections.abc import Callable
from functools import partial

from PIL import Image, ImageChops

from services.compressor.decoders.icc_writer import P3_PRIMARIES, SRGB_CURVE, grey_profile, rgb_profile
from tests.zoo.profiles import inks_profile, shown_by_inks
from tests.zoo.specimen import Specimen, drawn, drawn_grey, exif, saved, turned_away

_LOSSY = 3.0
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
P3 = rgb_profile(P3_PRIMARIES, SRGB_CURVE)


def _photo(subsampling: str = "4:2:0", *, progressive: bool = False) -> Specimen:
    picture = drawn()
    data = saved(picture, "JPEG", quality=92, subsampling=subsampling, progressive=progressive)
    return Specimen(data, "jpeg", picture, _LOSSY)


def _grey() -> Specimen:
    return Specimen(saved(drawn_grey(), "JPEG", quality=92), "jpeg", drawn_grey().convert("RGB"), _LOSSY)


def _turned(orientation: int) -> Specimen:
    stored = turned_away(drawn(), orientation)
    data = saved(stored, "JPEG", quality=92, subsampling="4:4:4", exif=exif(orientation))
    return Specimen(data, "jpeg", drawn(), _LOSSY)


def _broken_exif() -> Specimen:
    data = saved(drawn(), "JPEG", quality=92, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    return Specimen(data, "jpeg", drawn(), _LOSSY)


def _stored_as_rgb() -> Specimen:
    return Specimen(saved(drawn(), "JPEG", quality=92, keep_rgb=True), "jpeg", drawn(), _LOSSY)


def inks() -> Image.Image:
    """Some of all four."""
    cyan, magenta, yellow = ImageChops.invert(drawn()).split()
    return Image.merge("CMYK", (cyan, magenta, yellow, drawn_grey().point(lambda value: value // 3)))


def _cmyk(*, profile: bool = False, marked: bool = True) -> Specimen:
    data = saved(inks(), "JPEG", quality=95, **({"icc_profile": inks_profile()} if profile else {}))
    if not marked:
        data = data.replace(_ADOBE, b"")
    shown = shown_by_inks(inks()) if profile else inks().convert("RGB")
    return Specimen(data, "jpeg", shown, _LOSSY)


def _ycck() -> Specimen:
    """Pillow writes the four channels as they are, so they are made to be luminance, chrominances and black."""
    cyan, magenta, yellow, black = inks().split()
    luminance = ImageChops.invert(Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr")).split()
    data = saved(Image.merge("CMYK", (*luminance, black)), "JPEG", quality=95)
    return Specimen(data.replace(_ADOBE, _ADOBE[:-1] + b"\x02"), "jpeg", inks().convert("RGB"), _LOSSY)


def _mpo() -> Specimen:
    further = drawn().transpose(Image.Transpose.ROTATE_180)
    return Specimen(saved(drawn(), "MPO", save_all=True, append_images=[further], quality=92), "jpeg", drawn(), _LOSSY)


def _wide() -> Specimen:
    return Specimen(saved(drawn(), "JPEG", quality=92, icc_profile=P3), "jpeg", drawn(), 30, profiled=True)


def _grey_profiled() -> Specimen:
    data = saved(drawn_grey(), "JPEG", quality=92, icc_profile=grey_profile((1.0,)))
    return Specimen(data, "jpeg", drawn_grey().convert("RGB"), 90, profiled=True)


def _restarting() -> Specimen:
    data = saved(drawn(), "JPEG", quality=92, subsampling="4:4:4", restart_marker_rows=1)
    return Specimen(data, "jpeg", drawn(), _LOSSY)


JPEGS: dict[str, Callable[[], Specimen]] = {
    "jpeg": _photo,
    "jpeg 4:4:4": partial(_photo, "4:4:4"),
    "jpeg 4:2:2": partial(_photo, "4:2:2"),
    "jpeg progressive": partial(_photo, progressive=True),
    "jpeg grey": _grey,
    "jpeg restart markers": _restarting,
    "jpeg stored as RGB": _stored_as_rgb,
    "jpeg CMYK": _cmyk,
    "jpeg CMYK without Adobe's marker": partial(_cmyk, marked=False),
    "jpeg CMYK with a profile": partial(_cmyk, profile=True),
    "jpeg YCCK": _ycck,
    "jpeg of a camera with two lenses": _mpo,
    "jpeg wide gamut": _wide,
    "jpeg grey with a profile": _grey_profiled,
    "jpeg with broken EXIF": _broken_exif,
    **{f"jpeg orientation {orientation}": partial(_turned, orientation) for orientation in range(1, 9)},
}
