"""Convert pixels to the few Pillow modes that encoders and scaling support."""

import numpy as np
from PIL import Image

_WHITE_16 = 65535
_TO_8_BITS = ((np.arange(_WHITE_16 + 1, dtype=np.uint32) + 128) // 257).astype(np.uint8)  # 255/65535 = 1/257


def to_basic_mode(image: Image.Image) -> Image.Image:
    """In mode L, LA, RGB, RGBX or RGBA, 8 bits per channel, without an alpha channel that is opaque everywhere.

    CMYK and Lab are converted without a profile; `open_picture` has already converted them with theirs.
    """
    mode = image.mode
    if mode.startswith(("I", "F")):
        return _from_deep_grey(image)
    if mode == "1":
        return _from_bilevel(image)
    if mode in {"PA", "RGBa"} or (mode in {"P", "RGB", "RGBX"} and "transparency" in image.info):
        return drop_opaque_alpha(image.convert("RGBA"))
    if mode == "La" or (mode == "L" and "transparency" in image.info):
        return drop_opaque_alpha(image.convert("LA"))
    if mode in {"L", "LA", "RGB", "RGBX", "RGBA"}:
        return drop_opaque_alpha(image)
    return image.convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """From 16-bit, 32-bit or float grey. Only 16 bits have a defined white; otherwise the values decide."""
    values = np.asarray(image)
    if not image.mode.startswith("I;16"):
        values = _as_16_bits(np.nan_to_num(values))
    grey = Image.fromarray(np.take(_TO_8_BITS, values))
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return grey
    alpha = Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))
    return drop_opaque_alpha(Image.merge("LA", (grey, alpha)))


def _as_16_bits(values: np.ndarray) -> np.ndarray:
    """White is the first of 1 (floats only), 255 and 65535 that no value exceeds.

    Values above 65535 or below 0 are stretched to the full range instead.
    """
    low, high = min(float(values.min()), 0.0), float(values.max())
    whites = (1, 255, _WHITE_16) if values.dtype.kind == "f" else (255, _WHITE_16)
    white = next((white for white in whites if high <= white and low == 0), high)
    scaled = (values.astype(np.float64) - low) * (_WHITE_16 / max(white - low, 1e-9))
    return scaled.round().clip(0, _WHITE_16).astype(np.uint16)


def _from_bilevel(image: Image.Image) -> Image.Image:
    grey = image.convert("L")
    key = image.info.get("transparency")
    if key is None:
        return grey
    alpha = grey.point(lambda value: 255 * (value != key))
    return drop_opaque_alpha(Image.merge("LA", (grey, alpha)))


def drop_opaque_alpha(image: Image.Image) -> Image.Image:
    """The image without its alpha channel if every pixel is opaque."""
    if "A" not in image.getbands() or image.getchannel("A").getextrema() != (255, 255):
        return image
    return image.convert(image.mode.removesuffix("A"))


def has_alpha(image: Image.Image) -> bool:
    """Whether any pixel is not opaque."""
    return "A" in to_basic_mode(image).getbands()


def flatten_on_white(image: Image.Image) -> Image.Image:
    """The image on a white background, as shop pages are, without alpha: in mode L, RGB or RGBX."""
    image = to_basic_mode(image)
    if "A" not in image.getbands():
        return image
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("L" if image.mode == "LA" else "RGB")
