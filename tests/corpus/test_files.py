"""Which files of a folder are taken, and in which order."""

from pathlib import Path

from tests.corpus.files import files_of


def test_sub_folders_take_turns_and_equal_files_count_once(tmp_path: Path) -> None:
    for folder, count in (("large", 20), ("small", 3)):
        (tmp_path / folder / "deep").mkdir(parents=True)
        for number in range(count):
            (tmp_path / folder / "deep" / f"{number}.jpg").write_text(f"{folder} {number}")
    (tmp_path / "small" / "copy.jpg").write_text("large 7")
    (tmp_path / "small" / "empty.jpg").touch()

    chosen = [file.name for file in files_of(tmp_path, 6)]
    rest = [file.name for file in files_of(tmp_path, 100, skip=6)]

    assert sum(name.startswith("small/") for name in chosen) == 3
    assert len(set(chosen)) == 6
    assert len(set(chosen + rest)) == 23
