"""Pixels in the few modes that encoders and scaling can work with."""

from PIL import Image


def plain(image: Image.Image) -> Image.Image:
    """In mode L, LA, RGB, RGBX or RGBA, 8 bits a channel, without an alpha channel in which every pixel is opaque."""
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I"):
        return image.point(lambda value: value / 256).convert("L")
    if image.mode == "P":
        return without_idle_alpha(image.convert("RGBA"))
    if "transparency" in image.info:
        return without_idle_alpha(image.convert("LA" if image.mode == "L" else "RGBA"))
    return without_idle_alpha(image)


def without_idle_alpha(image: Image.Image) -> Image.Image:
    """Without an alpha channel in which every pixel is opaque."""
    if "A" not in image.getbands() or image.getchannel("A").getextrema() != (255, 255):
        return image
    return image.convert(image.mode.removesuffix("A"))


def on_white(image: Image.Image) -> Image.Image:
    """Without alpha, in mode L, RGB or RGBX: what was clear is white, as the page of a shop is."""
    image = plain(image)
    if "A" not in image.getbands():
        return image
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("L" if image.mode == "LA" else "RGB")
