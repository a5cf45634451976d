"""TIFF for an oracle that does not show it: libvips turns it into a PNG in sRGB."""

import subprocess
import tempfile
from pathlib import Path

from deploy.local.oracles import VIPS

_LARGEST = "100000x100000>"  # keeps the size


def as_png(picture: bytes, seconds: float) -> bytes | None:
    """The first page, upright, with its profile applied. None if libvips does not read it in time."""
    with tempfile.TemporaryDirectory() as folder:
        source, png = Path(folder) / "in.tif", Path(folder) / "out.png"
        source.write_bytes(picture)
        command: list[str | Path] = [VIPS, "--size", _LARGEST, "--eprofile", "srgb", "-o", png, source]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=seconds)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
        return png.read_bytes() if png.exists() else None


def is_tiff(picture: bytes) -> bool:
    return picture[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}
