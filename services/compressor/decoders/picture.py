"""What an original is once it is open: pixels, frames, and what must travel with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

from PIL import Image

from services.compressor.decoders.colours import plain

_PALETTE = 256  # colours

Format = Literal["jpeg", "png", "webp", "gif", "avif", "tiff", "bmp"]


class Frame(NamedTuple):
    """One picture of an animation, whole (not the part that changed), upright, in RGB or RGBA."""

    image: Image.Image
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Animation:
    """Pictures that are shown one after the other.

    frames: decodes them anew at each call, one at a time, so that none but the current one takes memory.
    loop: how often they are played; 0 is for ever.
    """

    frames: Callable[[], Iterator[Frame]]
    count: int
    loop: int


@dataclass(frozen=True, slots=True)
class JpegSource:
    """How a JPEG was encoded.

    tables: the steps of luminance and chrominance, as Pillow orders them.
    subsampling: how many luminance samples share a chrominance sample, across and down; (1, 1) for grey.
    fitted_huffman: its Huffman tables were made for it.
    scan_bytes: the bytes that its pixels take, without the headers before them and the end behind them.
    turned: its pixels were turned upright after decoding.
    """

    tables: tuple[tuple[int, ...], tuple[int, ...]]
    subsampling: tuple[int, int]
    progressive: bool
    fitted_huffman: bool
    scan_bytes: int
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded original, or a scaled one.

    image: upright; of an animation the first frame. In the mode it was decoded to, except that CMYK and the like have
        become sRGB. Of its `info` only what its pixels need, that is a palette's or colour key's transparency.
    format: of the original.
    icc_profile: what its colours mean; None for sRGB, or if the original did not say. It is always for the image's mode
        (grey, or RGB; also RGB for a grey picture), and sound.
    exif, xmp: metadata that is to be kept, without any orientation. `exif` begins with the TIFF header.
    colour_chunks: type and data of a PNG's chunks that say what its colours mean, if they do and not its profile; a
        PNG may have them in place of `icc_profile`, which says the same to other formats.
    few_colours: how many colours it had before it was scaled, if no more than a palette holds; scaling mixes new ones.
    """

    image: Image.Image
    format: Format
    animation: Animation | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    jpeg: JpegSource | None = None
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()
    few_colours: int | None = None

    def carried(self) -> dict[str, bytes]:
        """What travels beside the pixels, by the names and with the emptiness that Pillow's writers know."""
        return {"icc_profile": self.icc_profile or b"", "exif": self.exif or b"", "xmp": self.xmp or b""}

    def scaled_to(self, width: int, height: int) -> Self:
        """The same in so many pixels, with all its frames. How a JPEG was encoded says nothing about it any more."""
        if (width, height) == self.image.size:
            return self
        animation = self.animation
        return replace(
            self,
            image=_scaled(self.image, (width, height)),
            jpeg=None,
            few_colours=self.few_colours or _few_colours(self.image),
            animation=animation and replace(animation, frames=lambda: _scaled_frames(animation, (width, height))),
        )


def _few_colours(image: Image.Image) -> int | None:
    seen = plain(image).getcolors(_PALETTE)
    return len(seen) if seen else None


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return plain(image).resize(size, Image.Resampling.BICUBIC)


def _scaled_frames(animation: Animation, size: tuple[int, int]) -> Iterator[Frame]:
    for frame in animation.frames():
        yield Frame(_scaled(frame.image, size), frame.milliseconds)
