"""The promises, and whether each was kept."""

from dataclasses import dataclass, field


@dataclass
class Promises:
    """Every promise that was checked, in order."""

    tested: list[tuple[str, bool]] = field(default_factory=list)

    def test(self, promise: str, held: bool) -> None:
        self.tested.append((promise, held))

    @property
    def all_held(self) -> bool:
        return bool(self.tested) and all(held for _, held in self.tested)
