"""What a file says besides its picture, as ExifTool reads it."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.local.oracles import EXIFTOOL

_SECONDS = 300
# Groups of the picture's own structure and of its colours.
_STRUCTURE = {
    "AVIF",
    "Adobe",  # how a JPEG's colours are stored
    "Composite",
    "ExifTool",
    "File",
    "GIF",
    "ICC-header",
    "ICC-meas",
    "ICC-view",
    "ICC_Profile",
    "JFIF",
    "Meta",
    "QuickTime",
    "RIFF",
    "System",
}
# Where the gain map of a JPEG is, and how it is applied (Ultra HDR).
_GAIN_MAP = ("MPF", "MPImage", "XMP-Container", "XMP-hdrgm")
_COMMENTS = {"Comment", "XMPToolkit"}
_PNG_STRUCTURE = {
    "AnimationFrames",
    "AnimationPlays",
    "BackgroundColor",
    "BitDepth",
    "BluePrimaries",
    "ColorType",
    "Compression",
    "Filter",
    "Gamma",
    "Interlace",
    "Palette",
    "ProfileName",
    "SRGBRendering",
    "SignificantBits",
    "Transparency",
}
_TIFF_STRUCTURE = {
    "BitsPerSample",
    "ColorMap",
    "Compression",
    "ExtraSamples",
    "FillOrder",
    "ImageHeight",
    "ImageWidth",
    "JPEGTables",
    "NewSubfileType",
    "Orientation",  # the browser shows whether it is right
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "Predictor",
    "PrimaryChromaticities",
    "PreviewImage",  # the strip of a TIFF that contains a JPEG
    "PreviewImageLength",
    "PreviewImageStart",
    "ReferenceBlackWhite",
    "ResolutionUnit",
    "RowsPerStrip",
    "SampleFormat",
    "SamplesPerPixel",
    "StripByteCounts",
    "StripOffsets",
    "SubfileType",
    "T4Options",
    "T6Options",
    "TileByteCounts",
    "TileLength",
    "TileOffsets",
    "TileWidth",
    "XResolution",
    "WhitePoint",
    "YCbCrPositioning",
    "YCbCrSubSampling",
    "YResolution",
}


def metadata_of(folder: Path) -> Mapping[str, list[str]]:
    """Of each picture in a folder, by its name: the tags that describe more than how the picture is stored."""
    command: list[str | Path] = [EXIFTOOL, "-json", "-G1", "-a", "-u", "-q", "-r", folder]
    answer = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    files = json.loads(answer.stdout or b"[]")
    return {Path(tags.pop("SourceFile")).name: sorted(filter(_tells, tags)) for tags in files}


def _tells(tag: str) -> bool:
    group, _, name = tag.rpartition(":")
    if name in _COMMENTS:
        return True
    if group.startswith(_GAIN_MAP):
        return False
    if group.startswith("PNG"):
        return name.removesuffix("X").removesuffix("Y") not in _PNG_STRUCTURE and not name.startswith(
            ("WhitePoint", "Red", "Green", "Blue", "Image")
        )
    if group.startswith("IFD"):
        return name not in _TIFF_STRUCTURE
    return not (group in _STRUCTURE or group.startswith(("Track", "ICC")))
