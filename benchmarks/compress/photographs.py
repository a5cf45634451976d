"""Real photographs from Debian and Python packages. The repository contains none of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from deploy.local.packages import Missing, install

PACKAGES = ("mate-backgrounds", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "plasma-workspace-wallpapers")
"""Photographs under CC BY, CC BY-SA, LGPL and GPL licences; see /usr/share/doc/PACKAGE/copyright."""

_MATE = (
    "Blinds",
    "Dune",
    "FreshFlower",
    "Garden",
    "LadyBird",
    "RainDrops",
    "Storm",
    "TwoWings",
    "Wood",
    "YellowFlower",
)
_LOMIRI = (
    "Bridge_by_Sander_Klootwijk",
    "Dragonfly_by_Bolly",
    "Fossa_by_Jasper_Roks",
    "Kleiber_by_Lukas_Baubkus",
    "Painting-Colors_by__herobrine7gamer",
    "Picture_0B_by_freespace",
    "Picture_1A_by_freespace",
    "Wine_by_Jakkub_Mede",
    "aitzgorri_by_Aitzol_Berasategi",
    "analogpattern_by_Peter_Nerlich",
    "free_by_Peter_Nerlich",
    "friends_by_Aitzol_Berasategi",
    "greentock_by_Peter_Nerlich",
    "life_by_Aitzol_Berasategi",
    "picosdeeuropa_by_Aitzol_Berasategi",
    "seeding_by_Clements_Engelhardt",
    "sunset_by_Aitzol_Berasategi",
    "umang_by_Abhishek_Mudgal",
)
_PLASMA = (
    "Autumn",
    "BytheWater",
    "ColorfulCups",
    "DarkestHour",
    "EveningGlow",
    "FallenLeaf",
    "Kite",
    "OneStandsOut",
    "Path",
    "summer_1am",
)
_SKIMAGE = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png")


def photographs() -> list[Path]:
    """The photographs on this machine, in a fixed order. Missing packages are installed."""
    wanted = _from_debian()
    if not all(path.exists() for path in wanted):
        try:
            install(*PACKAGES)
        except Missing as missing:
            print(f"Using only scikit-image's photographs: {missing}")
    return [path for path in wanted if path.exists()] + _from_skimage()


def _from_debian() -> list[Path]:
    backgrounds = Path("/usr/share/backgrounds")
    return [
        *(backgrounds / "mate" / "nature" / f"{name}.jpg" for name in _MATE),
        *(backgrounds / f"{name}.jpg" for name in _LOMIRI),
        *(Path(f"/usr/share/wallpapers/{name}/contents/images/2560x1600.jpg") for name in _PLASMA),
    ]


def _from_skimage() -> list[Path]:
    return [Path(skimage.__file__).parent / "data" / name for name in _SKIMAGE]


def view(photograph: Image.Image, size: tuple[int, int], seed: int) -> Image.Image:
    """A part of a photograph, scaled to `size`; each seed gives another part.

    The part is as large as possible, so that scaling down removes the artefacts of an earlier compression.
    """
    random = np.random.default_rng(seed)
    width, height = size
    largest_scale = min(photograph.width / width, photograph.height / height)
    scale = largest_scale * random.uniform(0.75, 1.0)
    part = round(width * scale), round(height * scale)
    left = int(random.integers(0, photograph.width - part[0] + 1))
    top = int(random.integers(0, photograph.height - part[1] + 1))
    box = (left, top, left + part[0], top + part[1])
    return photograph.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box)


SIZES: Sequence[tuple[int, int]] = (
    (800, 800),
    (1000, 1000),
    (1200, 900),
    (600, 800),
    (1500, 1500),
    (1600, 1067),
    (900, 1200),
    (400, 400),
    (1024, 768),
    (2000, 1333),
    (1200, 1200),
    (640, 480),
)
"""Typical sizes in catalogues, including one with an odd height."""
