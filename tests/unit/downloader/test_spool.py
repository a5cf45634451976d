"""Small bodies stay in memory, large ones go to a temporary file, which is always deleted."""

import hashlib
import tempfile
from pathlib import Path

import pytest

from services.downloader.spool import Spool
from shared.errors import DiskUnavailable
from tests.support.small_disk import open_small_disk


async def test_a_small_body_stays_in_memory() -> None:
    with Spool(memory_bytes=10) as spool:
        for piece in (b"abc", b"", b"defghij"):
            await spool.write(piece)
        assert await spool.finish() == b"abcdefghij"
        assert spool.size == 10
        assert spool.sha256 == hashlib.sha256(b"abcdefghij").hexdigest()
        assert spool.head == b"abcdefghij"


async def test_a_large_body_goes_to_a_file_that_is_deleted_at_the_end() -> None:
    pieces = [bytes([number]) * 700 for number in range(50)]
    with Spool(memory_bytes=1000) as spool:
        for piece in pieces:
            await spool.write(piece)
        path = await spool.finish()
        assert isinstance(path, Path)
        assert path.read_bytes() == b"".join(pieces)
        assert spool.sha256 == hashlib.sha256(b"".join(pieces)).hexdigest()
        assert spool.head == b"".join(pieces)[:1024]
    assert not path.exists()


async def test_a_failed_download_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError):
        await fail_after_spooling(tmp_path)
    assert not files(tmp_path)


async def fail_after_spooling(directory: Path) -> None:
    with Spool(memory_bytes=1) as spool:
        await spool.write(b"abc")
        assert files(directory)
        raise ZeroDivisionError


def files(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_a_missing_disk_raises_disk_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with Spool(memory_bytes=1) as spool, pytest.raises(DiskUnavailable):
        await spool.write(b"abc")


async def test_a_full_disk_raises_disk_unavailable_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_small_disk(tmp_path / "small", megabytes=1) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk.root))
        disk.fill()
        with pytest.raises(DiskUnavailable), Spool(memory_bytes=1000) as spool:
            await spool.write(bytes(100_000))
        disk.free()
        assert not files(disk.root)
