"""A text file in any encoding that an upload may have."""

import codecs
import io
from pathlib import Path
from typing import TextIO

_ERRORS = "backslashreplace"  # the user's own text fits the encoding; an error detail that we add may not
_WITH_STATE = frozenset({"big5hkscs", "euc_jis_2004", "iso2022_jp"})


def open_encoded(path: Path, encoding: str) -> TextIO:
    """Open the file for writing; line ends are written as they are."""
    if encoding in _WITH_STATE:
        return _WithState(path.open("wb"), encoding, _ERRORS, "")
    return path.open("w", encoding=encoding, errors=_ERRORS, newline="")


class _WithState(io.TextIOWrapper):
    """Also writes the end of a text that does not end with a line end, which TextIOWrapper leaves out.

    The encoder keeps a letter back that the next one may combine with, or an escape that returns to ASCII.
    """

    _last = ""

    def write(self, text: str) -> int:
        self._last = text or self._last
        return super().write(text)

    def close(self) -> None:
        if not self.closed:
            encoder = codecs.getincrementalencoder(self.encoding)(_ERRORS)
            encoder.encode(self._last)
            self.flush()
            self.buffer.write(encoder.encode("", final=True))
        super().close()
