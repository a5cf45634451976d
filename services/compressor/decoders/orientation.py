"""Turn pictures upright. What says how is EXIF; XMP may say it too, but no browser listens to that."""

from PIL import ExifTags, Image

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation_of(image: Image.Image) -> int:
    """From 1 (upright) to 8, as in EXIF; the picture must be decoded, since PNG may say it behind the pixels.

    For AVIF Pillow reports the container's own turning as if it were EXIF's. TIFF it has turned already.
    """
    exif = image.info.get("exif")
    if not exif or image.format == "TIFF":
        return 1
    try:
        parsed = Image.Exif()
        parsed.load(exif)
        orientation = parsed.get(ExifTags.Base.Orientation)
    except Exception:
        return 1  # broken EXIF turns nothing, and is no reason to refuse the picture
    return orientation if isinstance(orientation, int) and orientation in _UPRIGHT else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)
