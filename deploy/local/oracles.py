"""Programs of Debian that judge our results besides the browser: libvips reads TIFFs, ExifTool reads metadata."""

from pathlib import Path

from deploy.local.packages import install_programs

VIPS = Path("/usr/bin/vips")
EXIFTOOL = Path("/usr/bin/exiftool")


def find_oracles() -> None:
    """Install what is missing.

    Raises:
        Missing: a program cannot be installed.
    """
    install_programs((VIPS, EXIFTOOL), "libvips-tools", "libimage-exiftool-perl")
