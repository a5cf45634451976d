"""Turn pictures upright as browsers do: by the EXIF of a JPEG and a PNG, and by the container of an AVIF.

They do not by XMP, nor by the EXIF of a WebP or behind the pixels of a PNG. A result must look like its original did.
"""

from PIL import ExifTags, Image

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation_of(image: Image.Image) -> int:
    """EXIF's orientation, from 1 (upright) to 8. A PNG must not be decoded yet, since that adds EXIF behind the pixels.

    For AVIF Pillow reports the container's rotation as EXIF. TIFF is always 1, because Pillow has already turned it.
    """
    exif = image.info.get("exif")
    if not exif or image.format in ("TIFF", "WEBP"):
        return 1
    try:
        parsed = Image.Exif()
        parsed.load(exif)
        orientation = parsed.get(ExifTags.Base.Orientation)
    except Exception:
        return 1  # broken EXIF is no reason to refuse the picture
    return orientation if isinstance(orientation, int) and orientation in _TRANSPOSITIONS else 1


def apply_orientation(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned upright."""
    method = _TRANSPOSITIONS.get(orientation)
    return image if method is None else image.transpose(method)
