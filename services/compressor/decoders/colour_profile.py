"""What colour profiles do to numbers, by LittleCMS: which change nothing, and what a picture is in sRGB."""

import io
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageCms

from services.compressor.decoders.pixel_modes import to_basic_mode

_SPACES = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}
_BROKEN = (ImageCms.PyCMSError, OSError)
_LEVELS = np.linspace(0, 255, 9).round().astype(np.uint8)
_GRID = np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS), axis=-1).reshape(27, 27, 3)
_TOLERANCE = 1  # of 255
_KEPT = 32


def travelling(profile: bytes | None, image: Image.Image) -> bytes | None:
    """The profile if it says anything: None if it is sRGB to the eye, is broken, or is for another kind of picture.

    Browsers take what has no profile for sRGB, and ignore profiles of the last two kinds. A grey picture may have a
    profile for RGB.
    """
    if not profile:
        return None
    mode = _mode_of(profile)
    if mode not in {"L", "RGB"} or (mode == "L" and not is_grey(image)):
        return None
    return None if _changes_nothing(profile) else profile


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """In mode L, LA, RGB or RGBA, or RGBX without a profile; for formats in which a profile cannot travel.

    `profile` must be one that `travelling` let through.
    """
    image = to_basic_mode(image)
    if not profile:
        return image
    bands = image.getbands()
    if is_grey_profile(profile):
        tones = np.asarray(_converted(Image.fromarray(np.arange(256, dtype=np.uint8)[None]), profile))[0, :, 1]
        grey = image.getchannel(0).point(tones.tolist())
        return Image.merge("LA", (grey, image.getchannel("A"))) if "A" in bands else grey
    return _converted(image.convert("RGBA" if "A" in bands else "RGB"), profile)


def cmyk_or_lab_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """CMYK or Lab in mode RGB; without a sound profile for it as browsers do, by the plain formula."""
    if profile and _mode_of(profile) == image.mode:
        try:
            return _converted(image, profile)
        except _BROKEN:
            pass  # a broken profile is no reason to refuse the picture
    return image.convert("RGB")


def is_grey(image: Image.Image) -> bool:
    """Whether its mode has no colours."""
    return image.mode.startswith(("1", "L", "I", "F")) and image.mode != "LAB"


def is_grey_profile(profile: bytes | None) -> bool:
    """Whether it is a profile for pictures without colours."""
    return profile is not None and _mode_of(profile) == "L"


def _mode_of(profile: bytes) -> str | None:
    """The mode of the pictures it is for; None if it is not one of ours, or no profile (ICC.1:2022, 7.2)."""
    return _SPACES.get(profile[16:20]) if profile[36:40] == b"acsp" else None


@lru_cache(_KEPT)
def _changes_nothing(profile: bytes) -> bool:
    """Whether its colours are those of sRGB within 1/255, or it is too broken to say which they are."""
    before = Image.fromarray(_GRID)
    if is_grey_profile(profile):
        before = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    try:
        after = np.asarray(_converted(before, profile), dtype=np.int16)
    except _BROKEN:
        return True
    return bool(np.abs(after - np.asarray(before.convert("RGB"))).max() <= _TOLERANCE)


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    """Alpha, if there is any, stays. Profiles for inks have tables for the intent; those for RGB mostly do not."""
    inks = image.mode == "CMYK"
    intent = ImageCms.Intent.PERCEPTUAL if inks else ImageCms.Intent.RELATIVE_COLORIMETRIC
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
