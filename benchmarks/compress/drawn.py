"""Drawn pictures as in catalogues: products on white, screenshots, line art, textures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Floats = npt.NDArray[np.float64]

_COLOURS = ((200, 16, 24), (12, 92, 180), (24, 140, 70), (240, 170, 10), (40, 40, 46), (150, 60, 150), (225, 120, 150))
_WORDS = ("stainless", "steel", "bottle", "750 ml", "cotton", "shirt", "size XL", "order now", "in stock", "12,99 EUR")


def product(size: tuple[int, int], seed: int) -> Image.Image:
    """A product shot: a shaded body on white with a soft shadow, a label and a saturated red edge."""
    return Image.alpha_composite(Image.new("RGBA", size, "white"), cut_out_product(size, seed)).convert("RGB")


def cut_out_product(size: tuple[int, int], seed: int) -> Image.Image:
    """The same on a transparent background, with a translucent shadow."""
    random = np.random.default_rng(seed)
    picture = _shadow(size, random)
    body = Image.fromarray(_shaded(size, _COLOURS[seed % len(_COLOURS)], random), "RGB")
    picture.paste(body, mask=_outline(size, seed % 3))
    _label(picture, random)
    return picture


def _outline(size: tuple[int, int], shape: int) -> Image.Image:
    """Drawn at four times the size, for a smooth edge."""
    width, height = size[0] * 4, size[1] * 4
    large = Image.new("L", (width, height))
    draw = ImageDraw.Draw(large)
    box = (width * 0.22, height * 0.12, width * 0.78, height * 0.86)
    if shape == 0:
        draw.ellipse(box, fill=255)
    elif shape == 1:
        draw.rounded_rectangle(box, radius=width * 0.08, fill=255)
    else:
        neck = (width * 0.4, height * 0.05, width * 0.6, height * 0.35)
        draw.rounded_rectangle(neck, radius=width * 0.03, fill=255)
        draw.rounded_rectangle((box[0], height * 0.3, box[2], box[3]), radius=width * 0.12, fill=255)
    return large.resize(size, Image.Resampling.BOX)


def _shaded(size: tuple[int, int], colour: tuple[int, int, int], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A round body lit from the left, with a highlight, fine grain and camera noise."""
    width, height = size
    across = np.linspace(-1, 1, width)[None, :]
    down = np.linspace(-1, 1, height)[:, None]
    light = 0.35 + 0.65 * np.sqrt(np.clip(1 - (across + 0.25) ** 2 / 1.2, 0, 1)) * (1 - 0.15 * down)
    highlight = np.exp(-(((across + 0.3) / 0.08) ** 2)) * np.clip(0.8 - np.abs(down), 0, 1)
    grain = 1 + 0.04 * _soft_noise(size, 2.0, random)
    pixels = np.array(colour)[None, None, :] * (light * grain)[..., None] + 200 * highlight[..., None]
    noisy: npt.NDArray[np.uint8] = np.clip(pixels + random.normal(0, 1.5, (height, width, 1)), 0, 255).astype(np.uint8)
    return noisy


def _soft_noise(size: tuple[int, int], radius: float, random: np.random.Generator) -> Floats:
    """Blurred noise of mean 0 and standard deviation 1."""
    noise = Image.fromarray(random.integers(0, 256, (size[1], size[0]), dtype=np.uint8).astype(np.uint8))
    soft = np.asarray(noise.filter(ImageFilter.GaussianBlur(radius)), np.float64)
    standardised: Floats = (soft - soft.mean()) / (soft.std() + 1e-9)
    return standardised


def _shadow(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    width, height = size
    mask = Image.new("L", size)
    depth = random.uniform(0.86, 0.9)
    ImageDraw.Draw(mask).ellipse(
        (width * 0.2, height * (depth - 0.06), width * 0.86, height * (depth + 0.06)), fill=110
    )
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    picture.putalpha(mask.filter(ImageFilter.GaussianBlur(width / 40)))
    return picture


def _label(picture: Image.Image, random: np.random.Generator) -> None:
    """White with red text and a red frame, where chroma subsampling is most visible."""
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = width * 0.32, height * 0.45, width * 0.68, height * 0.68
    draw.rectangle((left, top, right, bottom), fill="white", outline=(230, 0, 20), width=max(2, width // 200))
    large, small = ImageFont.load_default(width / 18), ImageFont.load_default(max(9.0, width / 60))
    draw.text((left + width * 0.02, top + height * 0.01), "SALE", font=large, fill=(230, 0, 20))
    for line in range(3):
        text = " ".join(random.choice(_WORDS, 3))
        draw.text((left + width * 0.02, top + height * (0.1 + 0.04 * line)), text, font=small, fill=(20, 20, 20))


def screenshot(size: tuple[int, int], seed: int) -> Image.Image:
    """A shop page: bars, buttons, text in several sizes, a picture."""
    random = np.random.default_rng(seed)
    width, height = size
    dark = seed % 3 == 0
    paper, ink = ((28, 30, 36), (225, 225, 225)) if dark else ((250, 250, 250), (30, 30, 30))
    picture = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width, 48), fill=_COLOURS[seed % len(_COLOURS)])
    draw.text((16, 12), "Imagemill   Orders   Products", font=ImageFont.load_default(20), fill="white")
    picture.paste(texture((width // 4, height // 4), seed), (width * 11 // 16, 80))
    y = 72
    while y < height - 20:
        font_size = int(random.choice((11, 13, 13, 16, 22)))
        text = " ".join(random.choice(_WORDS, int(random.integers(5, 11))))
        colour = _COLOURS[y % len(_COLOURS)] if random.random() < 0.15 else ink
        draw.text((24, y), text, font=ImageFont.load_default(font_size), fill=colour)
        y += font_size + 8
    for number in range(4):
        box = (width * 11 // 16, height // 2 + 56 * number, width * 15 // 16, height // 2 + 56 * number + 40)
        draw.rounded_rectangle(box, radius=8, fill=_COLOURS[(seed + number) % len(_COLOURS)])
        draw.text((box[0] + 12, box[1] + 10), "Add to basket", font=ImageFont.load_default(16), fill="white")
    return picture


def line_art(size: tuple[int, int], seed: int) -> Image.Image:
    """A technical drawing: thin lines, circles and dimensions on white, some in colour."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for number in range(60):
        x, y = random.uniform(0, size[0]), random.uniform(0, size[1])
        reach = random.uniform(20, size[0] / 4)
        colour = _COLOURS[number % len(_COLOURS)] if number % 5 == 0 else (0, 0, 0)
        if number % 3 == 0:
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=colour, width=1 + number % 3)
        elif number % 3 == 1:
            draw.line((x, y, x + random.uniform(-reach, reach) * 2, y + reach), fill=colour, width=1 + number % 2)
        else:
            draw.text((x, y), f"{reach:.1f} mm", font=ImageFont.load_default(14), fill=colour)
    return picture


def texture(size: tuple[int, int], seed: int) -> Image.Image:
    """Cloth: fine threads over coarse folds, in two colours."""
    random = np.random.default_rng(seed)
    across = np.arange(size[0])[None, :]
    down = np.arange(size[1])[:, None]
    threads = np.sin(across * 2 * np.pi / (3 + seed % 5)) * np.sin(down * 2 * np.pi / (4 + seed % 3))
    folds = _soft_noise(size, 25, random)
    shade = np.clip(0.55 + 0.12 * threads + 0.12 * folds + 0.05 * _soft_noise(size, 1, random), 0, 1)[..., None]
    light, dark = np.array(_COLOURS[seed % len(_COLOURS)]) * 0.5 + 120, np.array(_COLOURS[(seed + 3) % len(_COLOURS)])
    return Image.fromarray(np.clip(dark + (light - dark) * shade, 0, 255).astype(np.uint8), "RGB")


def moving(size: tuple[int, int], seed: int) -> list[Image.Image]:
    """Twelve frames: a product with a banner that moves across it."""
    still = product(size, seed)
    frames = []
    for number in range(12):
        frame = still.copy()
        x = size[0] * number // 12
        ImageDraw.Draw(frame).rounded_rectangle((x, 8, x + size[0] // 4, 8 + size[1] // 8), 6, fill=_COLOURS[seed % 7])
        frames.append(frame)
    return frames


DRAWN: Mapping[str, Any] = {"product": product, "screenshot": screenshot, "line art": line_art, "texture": texture}
