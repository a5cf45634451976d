"""Remove the metadata of a file without encoding its pixels again. Pure.

For originals that are delivered because nothing smaller can be made. One module for each format copies what pixels and
colours need; it lists what it keeps, so that whatever it does not know is removed.
"""

from services.compressor.stripping.strip import strip_original

__all__ = ["strip_original"]
