"""The directory of a process's temporary files: created, shared with libraries, removed after its owner's death."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.errors import DiskUnavailable, StoppedWhileStarting
from shared.observability import Health
from shared.workspace import Workspace, disk_faults, open_workspace
from tests.support.waiting import until

OWNER = """
    import asyncio, sys, tempfile
    from pathlib import Path
    from shared.workspace import Workspace

    async def own() -> None:
        await Workspace(Path(sys.argv[1]), "aggregator").open()
        (Path(tempfile.mkdtemp()) / "output.csv").write_bytes(bytes(100_000))
        tempfile.NamedTemporaryFile(delete=False).close()
        print("ready", flush=True)
        await asyncio.sleep(600)

    asyncio.run(own())
"""


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a workspace changes the process."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", os.environ.get("TMPDIR", "/tmp"))


@pytest.fixture
async def workspace(tmp_path: Path) -> AsyncIterator[Workspace]:
    workspace = Workspace(tmp_path, "gateway")
    await workspace.open()
    yield workspace
    await workspace.close()


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process with a workspace and files in it."""
    command = [sys.executable, "-c", textwrap.dedent(OWNER), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


def folders_in(root: Path) -> list[Path]:
    return list(root.iterdir())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def open_and_close(root: Path) -> None:
    workspace = Workspace(root, "downloader")
    await workspace.open()
    await workspace.close()


async def test_temporary_files_of_libraries_and_child_processes_are_in_it(workspace: Workspace, tmp_path: Path) -> None:
    (folder,) = folders_in(tmp_path)
    assert folder.name.startswith(f"imagemill-gateway-{os.getpid()}-")
    with tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parent == folder
    child = [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"]
    assert (await asyncio.to_thread(subprocess.check_output, child, text=True)).strip() == str(folder)
    await workspace.ping()
    assert names(folder) == [".lock"]


async def test_closing_it_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    (Path(tempfile.mkdtemp()) / "file").touch()
    await workspace.close()
    assert names(tmp_path) == []
    assert tempfile.gettempdir() == str(tmp_path)


async def test_a_start_removes_what_a_killed_process_left_and_nothing_else(
    owner: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    others = ["imagemill-notes", "imagemill-gateway-12-short", "other"]
    for name in others:
        (tmp_path / name).mkdir()
    (of_owner,) = (name for name in names(tmp_path) if name.startswith("imagemill-aggregator-"))

    await open_and_close(tmp_path)
    assert names(tmp_path) == sorted([*others, of_owner])

    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert names(tmp_path) == sorted([*others, of_owner])
    await open_and_close(tmp_path)
    assert names(tmp_path) == sorted(others)


async def test_a_start_removes_a_directory_whose_owner_was_killed_before_it_made_the_lock(tmp_path: Path) -> None:
    (tmp_path / "imagemill-gateway-1-abcdefgh").mkdir()
    await open_and_close(tmp_path)
    assert names(tmp_path) == []


async def test_links_are_not_followed(tmp_path: Path) -> None:
    kept, dead = tmp_path / "kept", tmp_path / "imagemill-gateway-1-abcdefgh"
    kept.mkdir()
    (kept / "file").touch()
    dead.mkdir()
    (dead / ".lock").touch()
    (dead / "link").symlink_to(kept)
    await open_and_close(tmp_path)
    assert names(tmp_path) == ["kept"]
    assert names(kept) == ["file"]


async def test_many_starts_at_once_have_a_directory_each(tmp_path: Path) -> None:
    workspaces = [Workspace(tmp_path, "downloader") for _ in range(20)]
    await asyncio.gather(*(workspace.open() for workspace in workspaces))
    assert len(names(tmp_path)) == 20
    await asyncio.gather(*(workspace.close() for workspace in workspaces))
    assert names(tmp_path) == []


async def test_a_ping_recreates_a_directory_that_was_removed(workspace: Workspace, tmp_path: Path) -> None:
    (folder,) = folders_in(tmp_path)
    (folder / ".lock").unlink()
    folder.rmdir()
    with pytest.raises(DiskUnavailable), disk_faults(), tempfile.NamedTemporaryFile():
        pass
    await workspace.ping()
    with tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parent in folders_in(tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOENT, errno.EMFILE])
def test_faults_of_the_disk_are_unavailability(number: int) -> None:
    with pytest.raises(DiskUnavailable), disk_faults():
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("error", [OSError(errno.EINVAL, "a bug"), ValueError("a bug"), TimeoutError("too slow")])
def test_other_errors_are_not(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, disk_faults():
        raise error
    assert raised.value is error


async def test_a_start_waits_unready_until_the_directory_can_be_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.workspace._WAIT_SECONDS", 0.01)
    root, health, stop = tmp_path / "mounted later", Health(), asyncio.Event()
    monkeypatch.setenv("TMPDIR", str(root))

    async def start() -> list[str]:
        async with open_workspace("gateway", health, stop):
            return names(root)

    starting = asyncio.create_task(start())
    await until(lambda: "mounted later" in health.problems.get("disk", ""))
    root.mkdir()
    assert len(await starting) == 1
    assert names(root) == []


async def test_a_stop_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    health, stop = Health(), asyncio.Event()

    async def start() -> None:
        async with open_workspace("gateway", health, stop):
            pytest.fail("there is no directory")

    starting = asyncio.create_task(start())
    await until(lambda: "disk" in health.problems)
    stop.set()
    with pytest.raises(StoppedWhileStarting):
        await starting
