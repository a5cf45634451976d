"""Pictures in Chromium: their pixels in sRGB, their size, and the timing of animations."""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from selenium.common.exceptions import TimeoutException, WebDriverException

from tests.oracle.difference import Pixels
from tests.oracle.server import open_picture_server
from tests.support.chromium import a_chromium

SECONDS = 20
"""How long the browser may take for a picture."""

_PAGE = (Path(__file__).parent / "page.js").read_text()


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as a browser shows it: upright, with its colour profile applied.

    width, height: its own size; `pixels` are smaller for more than 40 megapixels.
    milliseconds: the duration of each frame; empty for a still picture.
    plays: how often an animation is played; 0 means for ever.
    """

    width: int
    height: int
    pixels: Pixels
    milliseconds: tuple[float, ...] = ()
    plays: int = 1


class NotShown(Exception):
    """The browser shows no picture."""


class BrowserOracle:
    """Starts the browser again after a picture that it did not survive. Use it as a context."""

    def __init__(self, profile: Path) -> None:
        """profile: a new folder for the browser's data."""
        self._profile = profile
        self._starts = 0

    def __enter__(self) -> Self:
        """Raises Missing if the browser is missing and cannot be installed."""
        with ExitStack() as opened:
            self._server = opened.enter_context(open_picture_server())
            self._running = opened.enter_context(ExitStack())
            self._start()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._opened.close()

    def _start(self) -> None:
        self._starts += 1
        chromium = self._running.enter_context(a_chromium(self._profile / str(self._starts), logs=False))
        self._driver = chromium.driver
        self._driver.set_script_timeout(SECONDS + 5)
        self._open_page()

    def _open_page(self) -> None:
        self._driver.get(self._server.page(f"<!doctype html><title>oracle</title><script>{_PAGE}</script>"))

    def shown(self, data: bytes) -> Shown:
        """The first frame, and the timing of an animation.

        Raises:
            NotShown: the browser does not show it, or not within `SECONDS`.
        """
        with self._server.served(data) as (url, name):
            picture = self._run("shown", url, name, _media_type(data))
            pixels = self._pixels(name, picture["sent"])
        plays = picture["repeats"] + 1 if picture["milliseconds"] else 1
        return Shown(picture["width"], picture["height"], pixels, tuple(picture["milliseconds"]), plays)

    def frames(self, data: bytes, indices: Sequence[int]) -> list[Pixels]:
        """Some frames of an animation, each as the whole picture. Raises NotShown."""
        with self._server.served(data) as (url, name):
            sizes = self._run("frames", url, _media_type(data), list(indices), name)
            return [self._pixels(f"{name}-{index}", size) for index, size in zip(indices, sizes, strict=True)]

    def _pixels(self, name: str, size: Sequence[int]) -> Pixels:
        return np.frombuffer(self._server.taken(name), np.uint8).reshape(size[1], size[0], 4)

    def _run(self, function: str, *arguments: object) -> Any:
        script = f"const all = [...arguments]; run(() => {function}(...all.slice(0, -1)), {SECONDS}, all.at(-1))"
        try:
            answer: dict[str, Any] = self._driver.execute_async_script(script, *arguments)
        except TimeoutException as error:
            self._open_page()
            raise NotShown("too slow") from error
        except WebDriverException as error:
            with suppress(WebDriverException, OSError):
                self._running.close()
            self._start()
            raise NotShown("the browser ended") from error
        if "fault" in answer:
            raise NotShown(answer["fault"])
        return answer["value"]


def _media_type(data: bytes) -> str:
    """By signature; empty for a format without animations."""
    signatures = {b"GIF8": "gif", b"\x89PNG": "png"}
    if data[:4] in signatures:
        return f"image/{signatures[data[:4]]}"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "image/avif" if data[4:8] == b"ftyp" and b"avi" in data[8:64] else ""
