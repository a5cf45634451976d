"""What decoding produces: `Picture`, its frames and its metadata."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

from PIL import Image

from services.compressor.decoders.density import Density
from services.compressor.decoders.few_colours import FewColours, scaled_in_few_colours
from services.compressor.decoders.gain_map import GainMap
from services.compressor.decoders.hdr import Hdr
from services.compressor.decoders.pixel_modes import to_basic_mode
from services.compressor.decoders.tone_mapping import to_sdr

_MAX_PALETTE_COLOURS = 256

Format = Literal["jpeg", "png", "webp", "gif", "avif", "tiff", "bmp"]


class Frame(NamedTuple):
    """One frame of an animation: the whole picture, not only the part that changed. Upright, in mode RGB or RGBA."""

    image: Image.Image
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Animation:
    """The frames of an animated picture.

    frames: each call decodes the frames again, one at a time, so that only the current one is in memory.
    loop: how often the animation is played; 0 means for ever.
    """

    frames: Callable[[], Iterator[Frame]]
    count: int
    loop: int


@dataclass(frozen=True, slots=True)
class JpegSource:
    """How a JPEG was encoded.

    tables: the quantisation tables of luminance and chrominance, in Pillow's order.
    subsampling: how many luminance samples share a chrominance sample, across and down; (1, 1) for a grey JPEG.
    optimised_huffman: its Huffman tables were made for this picture.
    scan_bytes: the bytes of its scans, without the headers before them and anything after the end of the picture.
    """

    tables: tuple[tuple[int, ...], tuple[int, ...]]
    subsampling: tuple[int, int]
    progressive: bool
    optimised_huffman: bool
    scan_bytes: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded original, or a scaled one.

    image: upright; of an animation the first frame. It has the mode it was decoded to, except that CMYK, Lab and rare
        modes are converted to sRGB. Its `info` holds at most "transparency": that of a palette or a colour key.
    format: of the original.
    icc_profile: the colour space of the pixels; None for sRGB, and if the original does not define one. It is valid and
        fits the image's mode: a grey or an RGB profile for a grey picture, an RGB profile for all others.
    hdr: the colour space, if its transfer function is PQ or HLG. `icc_profile` is then None, unless it defines it.
    exif, xmp: the metadata to keep, without an orientation. `exif` begins with the TIFF header.
    density: the one to keep, also of a scaled picture.
    orientation: the original's, from 1 to 8, which was applied to the pixels.
    colour_chunks: type and data of the chunks that define a PNG's colours, if no ICC profile takes precedence. A PNG
        result may contain them in place of `icc_profile`, which defines the same colours for the other formats.
    colours_before_scaling: the number of colours before scaling (scaling adds new ones); None if a palette cannot hold
        them.
    gain_map: that of a JPEG.
    few_colours: of a scaled drawing: the same without the new colours; see `few_colours.py`.
    """

    image: Image.Image
    format: Format
    animation: Animation | None = None
    icc_profile: bytes | None = None
    hdr: Hdr | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    density: Density | None = None
    orientation: int = 1
    jpeg: JpegSource | None = None
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()
    colours_before_scaling: int | None = None
    few_colours: FewColours | None = None
    gain_map: GainMap | None = None

    def pillow_metadata(self) -> dict[str, bytes]:
        """Profile and metadata as keyword arguments for Pillow's `save`, which takes b"" for none."""
        return {"icc_profile": self.icc_profile or b"", "exif": self.exif or b"", "xmp": self.xmp or b""}

    def scaled_to(self, width: int, height: int) -> Self:
        """The picture with these dimensions, all frames included. `jpeg` no longer applies and becomes None."""
        if (width, height) == self.image.size:
            return self
        animation = self.animation
        return replace(
            self,
            image=_scaled(self.image, (width, height)),
            jpeg=None,
            colours_before_scaling=self.colours_before_scaling or _count_colours(self.image),
            few_colours=None if animation else self._in_few_colours((width, height)),
            animation=animation and replace(animation, frames=lambda: _scaled_frames(animation, (width, height))),
        )

    def _in_few_colours(self, size: tuple[int, int]) -> FewColours | None:
        if self.few_colours is None and self.colours_before_scaling is not None:
            return None  # more than a few
        return scaled_in_few_colours(self.few_colours() if self.few_colours else self.image, size)

    def tone_mapped(self) -> Self:
        """The picture in sRGB, for formats that cannot contain its high dynamic range."""
        hdr, animation = self.hdr, self.animation
        if hdr is None:
            return self
        return replace(
            self,
            image=to_sdr(self.image, hdr),
            jpeg=None,
            icc_profile=None,
            hdr=None,
            colour_chunks=(),
            few_colours=None,
            animation=animation and replace(animation, frames=lambda: _tone_mapped_frames(animation, hdr)),
        )


def _count_colours(image: Image.Image) -> int | None:
    colours = to_basic_mode(image).getcolors(_MAX_PALETTE_COLOURS)
    return len(colours) if colours else None


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return to_basic_mode(image).resize(size, Image.Resampling.BICUBIC)


def _scaled_frames(animation: Animation, size: tuple[int, int]) -> Iterator[Frame]:
    for frame in animation.frames():
        yield Frame(_scaled(frame.image, size), frame.milliseconds)


def _tone_mapped_frames(animation: Animation, hdr: Hdr) -> Iterator[Frame]:
    for frame in animation.frames():
        yield Frame(to_sdr(frame.image, hdr), frame.milliseconds)
