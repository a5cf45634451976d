"""Brings generated blocks and files up to date, or reports which are stale."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Generators = Mapping[str, Callable[[], str]]

_OPENS = re.compile(r"<!-- generated: (\S+) \(make docs\) -->")
_CLOSES = re.compile(r"<!-- /generated: (\S+) -->")


@dataclass(slots=True)
class Result:
    """stale: what differs from its source. faults: what no run can correct, such as an unknown name.

    Each entry is one line of text that begins with the file and, within Markdown, the line's number.
    """

    stale: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def update(root: Path, blocks: Generators, files: Generators, *, write: bool) -> Result:
    """Compare every generated block and file with its source; with `write`, also correct the stale ones."""
    result = Result()
    used: set[str] = set()
    for page in _pages(root):
        before = page.read_text(encoding="utf-8")
        after = _Page(str(page.relative_to(root)), blocks, result, used).updated(before)
        if write and after != before:
            page.write_text(after, encoding="utf-8")
    for name, generate in files.items():
        path, text = root / name, generate()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            result.stale.append(f"{name}: differs from its source")
            if write:
                path.write_text(text, encoding="utf-8")
    result.faults += [f"block {name!r} is registered, but no page contains it" for name in blocks if name not in used]
    return result


def _pages(root: Path) -> Iterator[Path]:
    yield from sorted(root.glob("*.md"))
    yield from sorted(root.glob("docs/**/*.md"))


class _Page:
    """One Markdown file: copies its lines, with the text between markers replaced."""

    def __init__(self, name: str, blocks: Generators, result: Result, used: set[str]) -> None:
        self._name = name
        self._blocks = blocks
        self._result = result
        self._used = used

    def updated(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        written: list[str] = []
        position = 0
        while position < len(lines):
            written.append(lines[position])
            position += 1
            if opened := _OPENS.fullmatch(lines[position - 1].strip()):
                body, position = self._block(opened[1], lines, position)
                written += body
            elif closed := _CLOSES.fullmatch(lines[position - 1].strip()):
                self._fault(position, f"block {closed[1]!r} is closed, but was not opened")
        return "".join(written)

    def _block(self, name: str, lines: list[str], start: int) -> tuple[list[str], int]:
        """The block's lines from index `start` to its closing marker, up to date, and the index of the next line."""
        end = self._end(name, lines, start)
        if end is None:
            self._fault(start, f"block {name!r} is not closed")
            return [], start
        self._used.add(name)
        body = lines[start:end]
        if name not in self._blocks:
            self._fault(start, f"no generator is registered for block {name!r}")
            return lines[start : end + 1], end + 1
        new = f"\n{self._blocks[name]()}\n".splitlines(keepends=True)
        if new != body:
            self._result.stale.append(f"{self._name}:{start}: block {name!r} differs from its source")
        return [*new, lines[end]], end + 1

    def _end(self, name: str, lines: list[str], start: int) -> int | None:
        for index in range(start, len(lines)):
            line = lines[index].strip()
            if (closed := _CLOSES.fullmatch(line)) and closed[1] == name:
                return index
            if _OPENS.fullmatch(line) or _CLOSES.fullmatch(line):
                return None
        return None

    def _fault(self, line: int, problem: str) -> None:
        self._result.faults.append(f"{self._name}:{line}: {problem}")
