"""A lock on a file: exclusive, and only while the file is where others look for it."""

from pathlib import Path

from shared.file_lock import lock


def test_one_holder_at_a_time_until_it_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("xb") as first:
        assert lock(first.fileno(), path)
        with path.open("rb") as second:
            assert not lock(second.fileno(), path)
    with path.open("rb") as third:
        assert lock(third.fileno(), path)


def test_a_file_that_was_removed_or_replaced_cannot_be_locked(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("xb") as file:
        path.unlink()
        assert not lock(file.fileno(), path)
        path.touch()
        assert not lock(file.fileno(), path)
