"""TIFF for an oracle that does not show it: libvips turns it into a PNG in sRGB."""

import subprocess
import tempfile
from pathlib import Path

from deploy.local.oracles import VIPS

_SECONDS = 20  # for each step


def as_png(picture: bytes) -> bytes | None:
    """The first page, upright, in sRGB by its profile. None if libvips does not read it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "in.tif").write_bytes(picture)
        if not _vips(folder, "autorot", "in.tif", "upright.v"):
            return None
        by_profile = ("icc_transform", "upright.v", "out.png", "srgb", "--embedded", "--intent", "perceptual")
        if _vips(folder, *by_profile) or _vips(folder, "colourspace", "upright.v", "out.png", "srgb"):
            return (folder / "out.png").read_bytes()
        return None


def is_tiff(picture: bytes) -> bool:
    return picture[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def _vips(folder: Path, *arguments: str) -> bool:
    try:
        done = subprocess.run([VIPS, *arguments], cwd=folder, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
