"""JPEGs as cameras, scanners and Photoshop write them."""

from collections.abc import Callable
from functools import partial

from PIL import Image, ImageChops

from services.compressor.decoders.icc_writer import P3_PRIMARIES, SRGB_CURVE, grey_profile, rgb_profile
from tests.zoo.profiles import cmyk_profile, cmyk_to_srgb
from tests.zoo.specimen import Specimen, exif, gradient, grey_gradient, saved, stored_with_orientation

_LOSSY = 3.0
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
P3 = rgb_profile(P3_PRIMARIES, SRGB_CURVE)


def _photo(subsampling: str = "4:2:0", *, progressive: bool = False) -> Specimen:
    picture = gradient()
    data = saved(picture, "JPEG", quality=92, subsampling=subsampling, progressive=progressive)
    return Specimen(data, "jpeg", picture, _LOSSY)


def _grey() -> Specimen:
    return Specimen(saved(grey_gradient(), "JPEG", quality=92), "jpeg", grey_gradient().convert("RGB"), _LOSSY)


def _with_orientation(orientation: int) -> Specimen:
    stored = stored_with_orientation(gradient(), orientation)
    data = saved(stored, "JPEG", quality=92, subsampling="4:4:4", exif=exif(orientation))
    return Specimen(data, "jpeg", gradient(), _LOSSY)


def _broken_exif() -> Specimen:
    data = saved(gradient(), "JPEG", quality=92, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    return Specimen(data, "jpeg", gradient(), _LOSSY)


def _stored_as_rgb() -> Specimen:
    return Specimen(saved(gradient(), "JPEG", quality=92, keep_rgb=True), "jpeg", gradient(), _LOSSY)


def cmyk_gradient() -> Image.Image:
    """A gradient with some of all four inks."""
    cyan, magenta, yellow = ImageChops.invert(gradient()).split()
    return Image.merge("CMYK", (cyan, magenta, yellow, grey_gradient().point(lambda value: value // 3)))


def _cmyk(*, profile: bool = False, marked: bool = True) -> Specimen:
    data = saved(cmyk_gradient(), "JPEG", quality=95, **({"icc_profile": cmyk_profile()} if profile else {}))
    if not marked:
        data = data.replace(_ADOBE, b"")
    shown = cmyk_to_srgb(cmyk_gradient()) if profile else cmyk_gradient().convert("RGB")
    return Specimen(data, "jpeg", shown, _LOSSY)


def _ycck() -> Specimen:
    """Pillow writes the four channels unchanged, so they are luminance, chrominance and black here."""
    cyan, magenta, yellow, black = cmyk_gradient().split()
    luminance = ImageChops.invert(Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr")).split()
    data = saved(Image.merge("CMYK", (*luminance, black)), "JPEG", quality=95)
    return Specimen(data.replace(_ADOBE, _ADOBE[:-1] + b"\x02"), "jpeg", cmyk_gradient().convert("RGB"), _LOSSY)


def _mpo() -> Specimen:
    further = gradient().transpose(Image.Transpose.ROTATE_180)
    return Specimen(
        saved(gradient(), "MPO", save_all=True, append_images=[further], quality=92), "jpeg", gradient(), _LOSSY
    )


def _wide_gamut() -> Specimen:
    return Specimen(saved(gradient(), "JPEG", quality=92, icc_profile=P3), "jpeg", gradient(), 30, profiled=True)


def _grey_profiled() -> Specimen:
    data = saved(grey_gradient(), "JPEG", quality=92, icc_profile=grey_profile((1.0,)))
    return Specimen(data, "jpeg", grey_gradient().convert("RGB"), 90, profiled=True)


def _with_restart_markers() -> Specimen:
    data = saved(gradient(), "JPEG", quality=92, subsampling="4:4:4", restart_marker_rows=1)
    return Specimen(data, "jpeg", gradient(), _LOSSY)


JPEGS: dict[str, Callable[[], Specimen]] = {
    "jpeg": _photo,
    "jpeg 4:4:4": partial(_photo, "4:4:4"),
    "jpeg 4:2:2": partial(_photo, "4:2:2"),
    "jpeg progressive": partial(_photo, progressive=True),
    "jpeg grey": _grey,
    "jpeg with restart markers": _with_restart_markers,
    "jpeg stored as RGB": _stored_as_rgb,
    "jpeg CMYK": _cmyk,
    "jpeg CMYK without Adobe's marker": partial(_cmyk, marked=False),
    "jpeg CMYK with a profile": partial(_cmyk, profile=True),
    "jpeg YCCK": _ycck,
    "jpeg multi-picture (MPO)": _mpo,
    "jpeg wide gamut": _wide_gamut,
    "jpeg grey with a profile": _grey_profiled,
    "jpeg with broken EXIF": _broken_exif,
    **{f"jpeg orientation {orientation}": partial(_with_orientation, orientation) for orientation in range(1, 9)},
}
