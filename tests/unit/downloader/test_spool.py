"""Few bytes in memory, many in a file, and nothing left of either."""

import hashlib
import tempfile
from pathlib import Path

import pytest

from services.downloader.spool import Spool
from shared.errors import StorageUnavailable


async def test_few_bytes_stay_in_memory() -> None:
    with Spool(memory_bytes=10) as spool:
        for piece in (b"abc", b"", b"defghij"):
            await spool.write(piece)
        assert await spool.finish() == b"abcdefghij"
        assert spool.size == 10
        assert spool.sha256 == hashlib.sha256(b"abcdefghij").hexdigest()
        assert spool.head == b"abcdefghij"


async def test_many_bytes_go_to_a_file_that_goes_with_the_context() -> None:
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


async def test_a_failing_download_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_full_disk_is_a_fault_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with Spool(memory_bytes=1) as spool, pytest.raises(StorageUnavailable):
        await spool.write(b"abc")
