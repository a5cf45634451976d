"""The directory store: atomic and durable writes, clean-up, and a missing root."""

import asyncio
import errno
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.errors import StorageUnavailable
from shared.storage.directory import DirectoryObjectStore
from tests.support.small_disk import open_small_disk

KEY = "results/r1/chair-0af3.jpg"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
async def store(root: Path) -> AsyncIterator[DirectoryObjectStore]:
    store = DirectoryObjectStore(root)
    await store.make()
    yield store
    await store.close()


MARK = ".imagemill-store"
EMPTY = [MARK, ".staging"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def unmount(root: Path) -> None:
    root.rename(root.with_name("unmounted"))
    root.mkdir()


def mount(root: Path) -> None:
    root.rmdir()
    root.with_name("unmounted").rename(root)


def files_of(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and path.name != MARK]


def make_folder(root: Path) -> None:
    root.mkdir()


async def test_only_make_creates_a_store(root: Path) -> None:
    store = DirectoryObjectStore(root)
    with pytest.raises(StorageUnavailable, match="imagemill-admin init-store"):
        await store.ping()
    make_folder(root)
    with pytest.raises(StorageUnavailable, match="is its disk mounted"):
        await store.put_bytes(KEY, b"x", "image/jpeg")
    assert names_in(root) == []
    await store.make()
    await store.ping()
    assert names_in(root) == EMPTY
    await store.close()


async def test_a_store_that_was_restored_without_its_empty_folder_works(
    store: DirectoryObjectStore, root: Path
) -> None:
    await store.put_bytes(KEY, b"x", "image/jpeg")
    (root / ".staging").rmdir()
    await store.put_bytes(KEY, b"y", "image/jpeg")
    assert await store.get_bytes(KEY) == b"y"


async def test_a_put_leaves_only_the_object(store: DirectoryObjectStore, root: Path) -> None:
    for _ in range(3):
        await store.put_bytes(KEY, b"x", "image/jpeg")
    await store.ping()

    (file,) = files_of(root)
    assert file.name == "chair-0af3.jpg"


async def test_durable_puts_sync_the_file_and_every_folder_before_they_return(
    store: DirectoryObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    await store.put_bytes(KEY, b"x", "image/jpeg", durable=False)
    assert synced == []

    await store.put_bytes(KEY, b"x", "image/jpeg")
    (file,) = files_of(root)
    assert synced[0].parent == root / ".staging"
    assert synced[1:] == [file.parent, root / "results/r1", root / "results", root]


async def test_a_killed_writer_leaves_the_old_object(store: DirectoryObjectStore, root: Path, tmp_path: Path) -> None:
    await store.put_bytes(KEY, b"the old one", "image/jpeg")
    source = tmp_path / "endless"
    os.mkfifo(source)
    code = f"""
        import asyncio
        from pathlib import Path
        from shared.storage.directory import DirectoryObjectStore
        asyncio.run(DirectoryObjectStore(Path({str(root)!r})).put_file({KEY!r}, Path({str(source)!r}), "image/jpeg"))
    """
    with (
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)]) as writer,  # noqa: ASYNC220, S603
        await asyncio.to_thread(source.open, "wb", 0) as endless,
    ):
        for _ in range(2):  # the second megabyte is read once the first has been written
            await asyncio.to_thread(endless.write, bytes(1024 * 1024))
        assert len(files_of(root)) == 2
        await open_another(root)
        assert len(files_of(root)) == 2  # its writer lives
        writer.kill()
        writer.wait()

    assert await store.get_bytes(KEY) == b"the old one"
    assert [key async for key in store.list_keys("")] == [KEY]
    await open_another(root)
    assert len(files_of(root)) == 1


async def open_another(root: Path, now: float = 0) -> None:
    """As another process does when it starts."""
    store = DirectoryObjectStore(root, clock=lambda: now)
    await store.ping()
    await store.close()


async def test_without_locks_staged_files_are_removed_an_hour_after_the_last_write(
    store: DirectoryObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int, __: Path) -> bool:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr("shared.storage.atomic_file.lock", refuse)
    await store.put_bytes(KEY, b"x", "image/jpeg")
    abandoned, recent = root / ".staging/abandoned", root / ".staging/recent"
    abandoned.touch()
    recent.touch()
    os.utime(abandoned, (10_000, 10_000))
    os.utime(recent, (12_000, 12_000))
    await open_another(root, now=14_000)
    assert names_in(root / ".staging") == ["recent"]


async def test_a_ping_notices_that_the_disk_is_full_or_read_only(tmp_path: Path) -> None:
    with open_small_disk(tmp_path / "disk", megabytes=4) as disk:
        store = DirectoryObjectStore(disk.root / "store")
        await store.make()
        await store.ping()
        disk.fill()
        with pytest.raises(StorageUnavailable, match="No space left"):
            await store.ping()
        with pytest.raises(StorageUnavailable, match="No space left"):
            await store.put_bytes(KEY, bytes(100_000), "image/jpeg")
        disk.free()
        await store.ping()
        disk.allow_writes(allowed=False)
        with pytest.raises(StorageUnavailable, match="Read-only"):
            await store.ping()
        disk.allow_writes(allowed=True)
        await store.ping()
        assert names_in(disk.root / "store") == EMPTY
        assert files_of(disk.root) == []
        await store.close()


async def test_deleting_the_last_object_leaves_no_folders(store: DirectoryObjectStore, root: Path) -> None:
    await store.put_bytes(KEY, b"x", "image/jpeg")
    await store.put_bytes("results/r2/a.jpg", b"x", "image/jpeg")

    await store.delete([KEY])
    assert names_in(root / "results") == ["r2"]
    await store.delete(["results/r2/a.jpg"])
    assert names_in(root) == EMPTY


async def test_an_unmounted_disk_raises_storage_unavailable_and_is_not_written_to(
    store: DirectoryObjectStore, root: Path
) -> None:
    await store.ping()
    unmount(root)

    with pytest.raises(StorageUnavailable):
        await store.put_bytes(KEY, b"x", "image/jpeg")
    with pytest.raises(StorageUnavailable):
        await store.get_bytes(KEY)
    assert names_in(root) == []

    mount(root)
    await store.ping()


async def test_a_root_that_cannot_be_created_raises_storage_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = DirectoryObjectStore(tmp_path / "file" / "store")

    with pytest.raises(StorageUnavailable):
        await store.make()
    with pytest.raises(StorageUnavailable):
        await store.ping()
    await store.close()


async def test_a_reader_keeps_the_object_that_it_opened(store: DirectoryObjectStore) -> None:
    await store.put_bytes(KEY, b"1" * 1_000_000, "image/jpeg")
    chunks = store.read_chunks(KEY)
    first = await anext(chunks)
    await store.put_bytes(KEY, b"2" * 1_000_000, "image/jpeg")
    await store.delete([KEY])

    assert first + b"".join([chunk async for chunk in chunks]) == b"1" * 1_000_000


async def test_chunks_are_large_and_a_small_object_is_one_chunk(store: DirectoryObjectStore) -> None:
    await store.put_bytes(KEY, bytes(1_000_000), "image/jpeg")
    await store.put_bytes("results/r1/small.jpg", bytes(100_000), "image/jpeg")

    sizes = [len(chunk) async for chunk in store.read_chunks(KEY, 1000)]
    assert sizes == [262144, 262144, 262144, 999_000 - 3 * 262144]
    assert [len(chunk) async for chunk in store.read_chunks("results/r1/small.jpg")] == [100_000]
