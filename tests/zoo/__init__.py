"""Small test files, the same on each run: one of every kind of picture, and files that must be refused."""

from collections.abc import Callable
from functools import cache

from tests.zoo.gifs import GIFS
from tests.zoo.jpegs import JPEGS
from tests.zoo.not_pictures import BROKEN, UNSUPPORTED
from tests.zoo.odd_bmps import ODD_BMPS
from tests.zoo.odd_gifs import ODD_GIFS
from tests.zoo.odd_pngs import ODD_PNGS
from tests.zoo.odd_tiffs import ODD_TIFFS
from tests.zoo.pngs import PNGS
from tests.zoo.specimen import Specimen
from tests.zoo.tiffs_and_bmps import TIFFS_AND_BMPS
from tests.zoo.webps_and_avifs import WEBPS_AND_AVIFS

__all__ = ["ANIMATED", "BROKEN", "NAMES", "UNSUPPORTED", "WHOLE_OR_BROKEN", "Specimen", "specimen"]

_MAKERS: dict[str, Callable[[], Specimen]] = {
    **JPEGS,
    **PNGS,
    **ODD_PNGS,
    **GIFS,
    **ODD_GIFS,
    **WEBPS_AND_AVIFS,
    **TIFFS_AND_BMPS,
    **ODD_BMPS,
    **ODD_TIFFS,
}

NAMES = tuple(_MAKERS)
WHOLE_OR_BROKEN = tuple(name for name in NAMES if name != "png orientation behind the pixels")
"""Those that must be refused if they are truncated. A PNG may end with its last pixel, as it does in browsers."""

ANIMATED = tuple(name for name in NAMES if "animated" in name)


@cache
def specimen(name: str) -> Specimen:
    return _MAKERS[name]()
