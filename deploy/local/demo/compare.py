"""Compares a photograph before and after: whether it is the same picture, and how many bytes were saved."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from httpx import Response
from PIL import Image, ImageChops, ImageStat

THUMBNAIL = (32, 32)
ALIKE = 8  # mean difference of two thumbnails, of 255; different photographs differ by 30 or more

SPELLED: Mapping[str | None, str] = {"WEBP": "WebP"}  # formats that Pillow names differently


@dataclass(frozen=True)
class Comparison:
    """One output compared with its input."""

    name: str
    format: str
    size: tuple[int, int]
    bytes_before: int
    bytes_after: int
    same_format: bool
    same_size: bool
    same_frames: bool
    same_picture: bool
    true_headers: bool
    ssim: str

    @property
    def saved_percent(self) -> float:
        return 100 * (1 - self.bytes_after / self.bytes_before)

    @classmethod
    def of(cls, name: str, ssim: str, before: Response, after: Response, head: Response) -> Self:
        """Compare two responses. `head` is the response to HEAD for the second URL; `ssim` is the reported value.

        Raises:
            OSError: one of the images cannot be decoded.
        """
        with Image.open(io.BytesIO(before.content)) as old, Image.open(io.BytesIO(after.content)) as new:
            return cls(
                name=name,
                format=SPELLED.get(new.format, new.format or ""),
                size=new.size,
                bytes_before=len(before.content),
                bytes_after=len(after.content),
                same_format=new.format == old.format,
                same_size=new.size == old.size,
                same_frames=_frames(new) == _frames(old),
                same_picture=_difference(old, new) < ALIKE,
                true_headers=after.headers["content-type"] == head.headers["content-type"] == new.get_format_mimetype()
                and head.headers["content-length"] == str(len(after.content)),
                ssim=ssim,
            )


def _frames(image: Image.Image) -> int:
    return int(getattr(image, "n_frames", 1))


def _difference(one: Image.Image, other: Image.Image) -> float:
    small = [image.convert("RGB").resize(THUMBNAIL) for image in (one, other)]
    bands = ImageStat.Stat(ImageChops.difference(*small)).mean
    return sum(bands) / len(bands)
