"""What Debian's Chromium shows of a picture, and how much two pictures differ for the eye.

The oracle shares no code with the compressor: Chromium decodes, applies colour profiles and turns pictures upright.
"""

from tests.oracle.browser import BrowserOracle, NotShown, Shown
from tests.oracle.difference import Difference, Pixels, compare, turned
from tests.oracle.metadata import metadata_of
from tests.oracle.tiffs import as_png, is_tiff

__all__ = [
    "BrowserOracle",
    "Difference",
    "NotShown",
    "Pixels",
    "Shown",
    "as_png",
    "compare",
    "is_tiff",
    "metadata_of",
    "turned",
]
