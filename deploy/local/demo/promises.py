"""What was promised, and whether it held."""

from dataclasses import dataclass, field


@dataclass
class Promises:
    """Every promise that was put to the test, in the order of the tests."""

    tested: list[tuple[str, bool]] = field(default_factory=list)

    def test(self, promise: str, held: bool) -> None:
        self.tested.append((promise, held))

    @property
    def all_held(self) -> bool:
        return bool(self.tested) and all(held for _, held in self.tested)
