"""Keys and the files of a directory store."""

import string
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.storage.folders import keys_under, make_folders, path_of, prune
from shared.storage.keys import check_key, check_prefix

FIRST = string.ascii_letters + string.digits + "_-"
segments = st.builds(str.__add__, st.sampled_from(FIRST), st.text(FIRST + ".", max_size=8))
# A small set of segments, so that keys share folders and are often prefixes of each other.
keys = st.lists(segments | st.sampled_from(["a", "b", "05", "e8"]), min_size=1, max_size=4).map("/".join)


@given(keys)
def test_a_valid_key_is_a_file_below_the_root(key: str) -> None:
    path = path_of(Path("/root"), check_key(key))

    assert path.is_relative_to("/root")
    assert ".." not in path.parts
    assert path.name == key.rpartition("/")[2]


@given(st.text(max_size=30) | st.text("./\\@a\0 \n", max_size=12))
def test_only_safe_keys_are_accepted(key: str) -> None:
    try:
        check_key(key)
    except ValueError:
        return
    assert set(key) <= set(FIRST + "./")
    assert not any(segment == "" or segment.startswith(".") for segment in key.split("/"))


@settings(max_examples=60, deadline=None)
@given(st.sets(keys, max_size=12), st.data())
def test_listing_finds_every_key_with_the_prefix(stored: set[str], data: st.DataObject) -> None:
    beginnings = st.sampled_from(sorted({key[:length] for key in stored for length in range(len(key) + 1)} | {""}))
    prefix = check_prefix(data.draw(beginnings))
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for key in stored:
            path = path_of(root, key)
            make_folders(root, path.parent)
            path.touch()

        assert sorted(keys_under(root, prefix)) == sorted(key for key in stored if key.startswith(prefix))

        for key in stored:
            path_of(root, key).unlink()
            prune(root, path_of(root, key).parent)
        assert list(root.iterdir()) == []


def test_the_objects_of_a_request_are_spread_over_sixteen_folders() -> None:
    counts: dict[Path, int] = {}
    for number in range(100_000):
        folder = path_of(Path("/root"), f"results/r1/chair-{number:08x}.jpg").parent
        counts[folder] = counts.get(folder, 0) + 1

    assert len(counts) == 16
    assert max(counts.values()) < 1.1 * 100_000 / 16


def test_other_files_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "README").touch()
    (tmp_path / ".staging").mkdir()
    (tmp_path / ".staging" / "0af3").touch()

    assert list(keys_under(tmp_path, "")) == []
