"""JPEGs as cameras, scanners and Photoshop write them."""

from collections.abc import Callable
from functools import partial

from PIL import Image, ImageChops

from services.compressor.decoders.icc_writer import P3_PRIMARIES, SRGB_CURVE, grey_profile, rgb_profile
from tests.zoo import jpeg_parts as parts
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


SAMPLINGS: dict[str, tuple[parts.Sampling, parts.Sampling, parts.Sampling]] = {
    "4:1:0": ((4, 2), (1, 1), (1, 1)),
    "2x4": ((2, 4), (1, 1), (1, 1)),
    "4:4:0": ((1, 2), (1, 1), (1, 1)),
    "4:1:1": ((4, 1), (1, 1), (1, 1)),
    "4:4:1": ((1, 4), (1, 1), (1, 1)),
    "3x1": ((3, 1), (1, 1), (1, 1)),
    "3x2": ((3, 2), (1, 1), (1, 1)),
    "1x3": ((1, 3), (1, 1), (1, 1)),
    "unequal chrominances": ((2, 2), (2, 1), (1, 1)),
    "coarse luminance": ((1, 1), (2, 2), (2, 2)),
}


def _sampled(name: str) -> Specimen:
    return Specimen(parts.sampled(gradient(), SAMPLINGS[name]), "jpeg", gradient(), _LOSSY)


def _plain() -> bytes:
    return saved(gradient(), "JPEG", quality=92)


def _halves_of_profile() -> tuple[bytes, bytes]:
    return P3[: len(P3) // 2], P3[len(P3) // 2 :]


# Of one picture that browsers show in spite of them.
ODDITIES: dict[str, Callable[[], bytes]] = {
    "spectral selection 0..0": lambda: parts.with_scan_parameters(_plain(), 0, 0, 0),
    "spectral selection 1..63": lambda: parts.with_scan_parameters(_plain(), 1, 63, 0),
    "successive approximation": lambda: parts.with_scan_parameters(_plain(), 0, 63, 0x11),
    "JFIF 0.9": lambda: parts.with_jfif_version(_plain(), 0, 9),
    "JFIF 2.1": lambda: parts.with_jfif_version(_plain(), 2, 1),
    "JFIF 255.0": lambda: parts.with_jfif_version(_plain(), 255, 0),
    "short JFIF": lambda: (
        parts.START + parts.segment(parts.APP0, parts.JFIF + b"\1") + parts.without_jfif(_plain())[2:]
    ),
    "no JFIF": lambda: parts.without_jfif(_plain()),
    "profile numbered 0 of 0": lambda: parts.with_segments(_plain(), parts.profile_part(0, 0, P3)),
    "profile numbered 0 of 1": lambda: parts.with_segments(_plain(), parts.profile_part(0, 1, P3)),
    "profile numbered 2 of 1": lambda: parts.with_segments(_plain(), parts.profile_part(2, 1, P3)),
    "profile with a missing part": lambda: parts.with_segments(_plain(), parts.profile_part(1, 2, P3)),
    "profile with a repeated number": lambda: parts.with_segments(
        _plain(), *(parts.profile_part(1, 2, half) for half in _halves_of_profile())
    ),
    "profile with contradicting counts": lambda: parts.with_segments(
        _plain(), *(parts.profile_part(n, n + 1, half) for n, half in enumerate(_halves_of_profile(), 1))
    ),
    "profile without a number": lambda: parts.with_segments(_plain(), parts.segment(parts.APP2, b"ICC_PROFILE\0")),
    "profile that is none": lambda: parts.with_segments(_plain(), parts.profile_part(1, 1, b"nonsense" * 20)),
    "Adobe transform 2": lambda: parts.without_jfif(parts.with_segments(_plain(), parts.adobe(2))),
    "Adobe transform 255": lambda: parts.without_jfif(parts.with_segments(_plain(), parts.adobe(255))),
    "short Adobe": lambda: parts.with_segments(_plain(), parts.segment(parts.APP14, b"Adobe\0")),
    "no Huffman tables, as in MJPEG": lambda: parts.without(_plain(), parts.HUFFMAN),
    "a marker without length among the headers": lambda: parts.with_segments(_plain(), b"\xff\x01"),
    "no end marker": lambda: _plain().removesuffix(parts.END),
    "zeros before the end": lambda: _plain().removesuffix(parts.END) + bytes(50) + parts.END,
    "another picture behind it": lambda: _plain() + saved(grey_gradient(), "JPEG"),
    "progressive without end marker": lambda: saved(gradient(), "JPEG", quality=92, progressive=True)[:-2],
    "many at once": lambda: parts.with_scan_parameters(
        parts.with_jfif_version(parts.with_segments(_plain(), parts.profile_part(0, 0, P3)), 2, 1), 0, 0, 0
    ),
}


def _odd(name: str) -> Specimen:
    return Specimen(ODDITIES[name](), "jpeg", gradient(), _LOSSY)


def _profile_in_repeated_parts() -> Specimen:
    first, second = _halves_of_profile()
    data = parts.with_segments(
        _plain(), parts.profile_part(2, 2, second), parts.profile_part(1, 2, first), parts.profile_part(1, 2, first)
    )
    return Specimen(data, "jpeg", gradient(), 30, profiled=True)


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
    "jpeg with a profile in repeated parts": _profile_in_repeated_parts,
    **{f"jpeg {name}": partial(_sampled, name) for name in SAMPLINGS},
    **{f"jpeg with oddity: {name}": partial(_odd, name) for name in ODDITIES},
    **{f"jpeg orientation {orientation}": partial(_with_orientation, orientation) for orientation in range(1, 9)},
}
