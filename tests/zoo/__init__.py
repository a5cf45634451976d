"""A zoo of pictures, one of every kind that a catalogue may hold, made by code: small, and the same each time."""

from collections.abc import Callable
from functools import cache

from tests.zoo.gifs import GIFS
from tests.zoo.jpegs import JPEGS
from tests.zoo.pngs import PNGS
from tests.zoo.specimen import Specimen
from tests.zoo.strangers import BROKEN, STRANGERS
from tests.zoo.tiffs_and_bmps import TIFFS_AND_BMPS
from tests.zoo.webps_and_avifs import WEBPS_AND_AVIFS

__all__ = ["ANIMATED", "BROKEN", "NAMES", "STRANGERS", "Specimen", "specimen"]

_MAKERS: dict[str, Callable[[], Specimen]] = {**JPEGS, **PNGS, **GIFS, **WEBPS_AND_AVIFS, **TIFFS_AND_BMPS}

NAMES = tuple(_MAKERS)
ANIMATED = tuple(name for name in NAMES if "animated" in name)


@cache
def specimen(name: str) -> Specimen:
    return _MAKERS[name]()
