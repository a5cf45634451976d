"""The requests that the tests' S3 server has received, by kind."""

import re
from collections import Counter
from pathlib import Path

_OBJECT = re.compile(r"(?P<method>\w+) /[^/ ]+/(?P<folder>uploads|originals|results|outputs)/\S+ ")
_LIST = re.compile(r"GET /[^/ ]+ .*list-type=2")
_DELETE = re.compile(r"POST /[^/ ]+ delete=")
_CLOCK = re.compile(r"HEAD /[^/ ]+ $")


class S3Requests:
    """Counts what was requested since the last call of `reset`."""

    def __init__(self, log: Path) -> None:
        """log: of `open_s3_server`."""
        self._log = log
        self._start = 0

    def reset(self) -> None:
        self._start = len(self._lines())

    def counts(self) -> Counter[str]:
        """By kind, such as `PUT originals/…`; without those that depend on time alone: they read the store's clock."""
        lines = self._lines()[self._start :]
        return Counter(_kind_of(line) for line in lines if not _CLOCK.match(line))

    def _lines(self) -> list[str]:
        return self._log.read_text().splitlines()


def _kind_of(line: str) -> str:
    if found := _OBJECT.match(line):
        return f"{found['method']} {found['folder']}/…"
    if _LIST.match(line):
        return "GET ?list-type=2"
    return "POST ?delete" if _DELETE.match(line) else line
