"""How others reach a number of bytes: three peers of the compressor and a stronger fourth."""

import io
import os
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from PIL import Image

from deploy.local.packages import install

_CONVERT = Path("/usr/bin/convert")  # Debian's, not another program of that name on the PATH
_QUALITIES = range(1, 96)


def install_imagemagick() -> None:
    """Raises Missing."""
    if not _CONVERT.exists():
        install("imagemagick")


def fixed_quality_save(original: bytes) -> bytes:
    """As most scripts do: decode, then save at quality 50."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(original)) as image:
        image.save(out, "JPEG", quality=50)
    return out.getvalue()


def quality_search(original: bytes, limit: int, *, optimize: bool = False) -> bytes | None:
    """The highest of Pillow's qualities that fits, by bisection: up to seven encodes. None if none fits."""
    with Image.open(io.BytesIO(original)) as image:
        image.load()
        encode = partial(_save, image, optimize=optimize)
        best, low, high = None, 0, len(_QUALITIES)
        while low < high:
            middle = (low + high) // 2
            data = encode(_QUALITIES[middle])
            if len(data) <= limit:
                best, low = data, middle + 1
            else:
                high = middle
        return best


def _save(image: Image.Image, quality: int, *, optimize: bool) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=optimize)
    return out.getvalue()


def imagemagick_extent(original: bytes, limit: int) -> bytes:
    """ImageMagick's own search for a number of bytes, which may exceed it."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "in.jpg", Path(folder) / "out.jpg"
        source.write_bytes(original)
        command = [str(_CONVERT), str(source), "-define", f"jpeg:extent={limit}", str(result)]
        subprocess.run(command, check=True, env=os.environ | {"MAGICK_THREAD_LIMIT": "1"})
        return result.read_bytes()
