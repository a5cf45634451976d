"""The demo's checks: each promise, and whether it was kept."""

from dataclasses import dataclass, field


@dataclass
class Checks:
    """results: every promise that was checked, in order, and whether it held."""

    results: list[tuple[str, bool]] = field(default_factory=list)

    def add(self, promise: str, held: bool) -> None:
        self.results.append((promise, held))

    @property
    def all_held(self) -> bool:
        return bool(self.results) and all(held for _, held in self.results)
