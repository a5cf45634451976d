"""Programs of Debian that judge our results besides the browser: libvips reads TIFFs, ExifTool reads metadata."""

from pathlib import Path

from deploy.local.packages import Missing, install

VIPS = Path("/usr/bin/vips")
EXIFTOOL = Path("/usr/bin/exiftool")


def find_oracles() -> None:
    """Install what is missing.

    Raises:
        Missing: a program cannot be installed.
    """
    if not _present():
        install("libvips-tools", "libimage-exiftool-perl")
        if not _present():
            raise Missing(f"libvips-tools and libimage-exiftool-perl are installed, but not as {VIPS} and {EXIFTOOL}")


def _present() -> bool:
    return VIPS.exists() and EXIFTOOL.exists()
