"""Apply ICC profiles with LittleCMS: which of them matter, and conversion to sRGB."""

import io
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageCms

from services.compressor.decoders.pixel_modes import to_basic_mode

_SPACES = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}
_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError)
_TEST_LEVELS = np.linspace(0, 255, 9).round().astype(np.uint8)
_TEST_COLOURS = np.stack(np.meshgrid(_TEST_LEVELS, _TEST_LEVELS, _TEST_LEVELS), axis=-1).reshape(27, 27, 3)
_GREY_LEVELS = np.arange(256, dtype=np.uint8)[None]
_TOLERANCE = 1  # of 255
_CACHED_PROFILES = 32


def profile_to_keep(profile: bytes | None, image: Image.Image) -> bytes | None:
    """The profile if results need it; None if it is as good as sRGB, broken, or for another kind of picture.

    Browsers assume sRGB where there is no profile, and ignore profiles that are broken or of another kind. An RGB
    profile also fits a grey picture.
    """
    if not profile:
        return None
    mode = _mode_of(profile)
    if mode not in {"L", "RGB"} or (mode == "L" and not is_grey(image)):
        return None
    return None if _is_srgb_or_broken(profile) else profile


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB, for formats that cannot contain a profile. In mode L, LA, RGB, RGBA, or RGBX if not converted.

    `profile` is one that `profile_to_keep` returned.
    """
    image = to_basic_mode(image)
    if not profile:
        return image
    bands = image.getbands()
    if is_grey_profile(profile):
        levels = np.asarray(_convert(Image.fromarray(_GREY_LEVELS), profile))[0, :, 1]
        grey = image.getchannel(0).point(levels.tolist())
        return Image.merge("LA", (grey, image.getchannel("A"))) if "A" in bands else grey
    return _convert(image.convert("RGBA" if "A" in bands else "RGB"), profile)


def cmyk_or_lab_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """CMYK or Lab in mode RGB. Without a valid profile for it, by the same simple formula as browsers use."""
    if profile and _mode_of(profile) == image.mode:
        try:
            return _convert(image, profile)
        except _PROFILE_ERRORS:
            pass  # a broken profile is no reason to refuse the picture
    return image.convert("RGB")


def is_grey(image: Image.Image) -> bool:
    """Whether the image's mode is a grey one."""
    return image.mode.startswith(("1", "L", "I", "F")) and image.mode != "LAB"


def is_grey_profile(profile: bytes | None) -> bool:
    """Whether this is a profile for grey pictures."""
    return profile is not None and _mode_of(profile) == "L"


def is_icc_profile(data: bytes | memoryview) -> bool:
    """Whether the data has the signature of an ICC profile (ICC.1:2022, 7.2.11)."""
    return data[36:40] == b"acsp"


def _mode_of(profile: bytes) -> str | None:
    """The image mode that a profile is for; None for other colour spaces, and if it is no profile (ICC.1:2022, 7.2)."""
    return _SPACES.get(profile[16:20]) if is_icc_profile(profile) else None


@lru_cache(_CACHED_PROFILES)
def _is_srgb_or_broken(profile: bytes) -> bool:
    """Whether the profile converts every test colour to sRGB within 1/255, or cannot be applied at all."""
    before = Image.fromarray(_GREY_LEVELS if is_grey_profile(profile) else _TEST_COLOURS)
    try:
        after = np.asarray(_convert(before, profile), dtype=np.int16)
    except _PROFILE_ERRORS:
        return True
    return bool(np.abs(after - np.asarray(before.convert("RGB"))).max() <= _TOLERANCE)


def _convert(image: Image.Image, profile: bytes) -> Image.Image:
    """From the profile's space to sRGB; alpha is unchanged.

    The intent is perceptual for CMYK, whose profiles have tables for it; most RGB profiles have none.
    """
    intent = ImageCms.Intent.PERCEPTUAL if image.mode == "CMYK" else ImageCms.Intent.RELATIVE_COLORIMETRIC
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(source, _srgb(), image.mode, mode, intent)
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise ImageCms.PyCMSError("the profile cannot be applied")
    converted.info.pop("icc_profile", None)
    return converted


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
