"""Generated blocks and files are rewritten from their source; what is stale or wrong is reported with its place."""

from pathlib import Path

import pytest

from dev.docs.registry import BLOCKS as REAL_BLOCKS
from dev.docs.registry import FILES
from dev.docs.update import Result, update
from tests.support.tree import ROOT

BLOCKS = {"numbers": lambda: "| one |\n"}
CURRENT = "<!-- generated: numbers (make docs) -->\n\n| one |\n\n<!-- /generated: numbers -->\n"


def run(root: Path, *, write: bool = False, **pages: str) -> Result:
    (root / "docs").mkdir(exist_ok=True)
    for name, text in pages.items():
        (root / "docs" / f"{name}.md").write_text(text)
    return update(root, BLOCKS, {}, write=write)


def test_a_current_block_is_not_reported(tmp_path: Path) -> None:
    result = run(tmp_path, page=f"# Title\n\n{CURRENT}\nText.\n")

    assert result == Result()


def test_a_stale_block_is_reported_with_file_and_line(tmp_path: Path) -> None:
    result = run(tmp_path, page="# Title\n\n" + CURRENT.replace("one", "two"))

    assert result.stale == ["docs/page.md:3: block 'numbers' differs from its source"]
    assert result.faults == []


def test_writing_replaces_the_block_and_nothing_else(tmp_path: Path) -> None:
    result = run(tmp_path, page="# Title\n\n" + CURRENT.replace("one", "two") + "\nText.\n", write=True)

    assert (tmp_path / "docs" / "page.md").read_text() == f"# Title\n\n{CURRENT}\nText.\n"
    assert len(result.stale) == 1
    assert run(tmp_path) == Result()


def test_empty_markers_are_filled(tmp_path: Path) -> None:
    empty = "<!-- generated: numbers (make docs) -->\n<!-- /generated: numbers -->\n"
    run(tmp_path, page=empty, write=True)

    assert (tmp_path / "docs" / "page.md").read_text() == CURRENT


def test_pages_of_the_root_are_included(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(CURRENT.replace("one", "two"))

    assert update(tmp_path, BLOCKS, {}, write=False).stale == ["README.md:1: block 'numbers' differs from its source"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "<!-- generated: numbers (make docs) -->\n\n| one |\n",
            "docs/broken.md:1: block 'numbers' is not closed",
            id="closing marker missing",
        ),
        pytest.param(
            "<!-- generated: numbers (make docs) -->\n" + CURRENT,
            "docs/broken.md:1: block 'numbers' is not closed",
            id="opened twice",
        ),
        pytest.param(
            "| one |\n<!-- /generated: numbers -->\n",
            "docs/broken.md:2: block 'numbers' is closed, but was not opened",
            id="opening marker missing",
        ),
        pytest.param(
            "Text.\n<!-- generated: letters (make docs) -->\n<!-- /generated: letters -->\n",
            "docs/broken.md:2: no generator is registered for block 'letters'",
            id="unknown name",
        ),
    ],
)
@pytest.mark.parametrize("write", [False, True])
def test_a_broken_block_is_reported_and_left_unchanged(tmp_path: Path, text: str, fault: str, *, write: bool) -> None:
    result = run(tmp_path, page=CURRENT, broken=text, write=write)

    assert result.faults == [fault]
    assert (tmp_path / "docs" / "broken.md").read_text() == text


def test_a_block_that_no_page_contains_is_reported(tmp_path: Path) -> None:
    result = run(tmp_path, page="Text.\n")

    assert result.faults == ["block 'numbers' is registered, but no page contains it"]


def test_a_generated_file_is_compared_and_written(tmp_path: Path) -> None:
    files = {"settings.txt": lambda: "A=1\n"}

    assert update(tmp_path, {}, files, write=False).stale == ["settings.txt: differs from its source"]
    update(tmp_path, {}, files, write=True)
    assert (tmp_path / "settings.txt").read_text() == "A=1\n"
    assert update(tmp_path, {}, files, write=False) == Result()


def test_the_generated_parts_of_this_repository_s_documentation_are_up_to_date() -> None:
    assert update(ROOT, REAL_BLOCKS, FILES, write=False) == Result()
