"""An object store in a directory of one file system: `file:///path`."""

import os
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from shared.errors import ObjectMissing, StorageUnavailable
from shared.storage.atomic_file import AtomicWriter, Write, remove_abandoned, staged_file
from shared.storage.folders import MARK, STAGING, keys_under, path_of, prune
from shared.storage.keys import check_key, check_prefix
from shared.storage.object_store import ObjectStat, StoreState, check_range
from shared.storage.range_read import read_range
from shared.storage.source_file import size_of, source_file
from shared.storage.threads import Threads

_THREADS = 16  # most of them wait for fsync
_COPY_BUFFER = 1024 * 1024
_BATCH = 1000
_ABANDONED_AFTER = 3600.0  # seconds without a write, on a file system without locks
_PING_BYTES = 1024 * 1024
_MARK_TEXT = b"An object store of Imagemill, made by imagemill-admin init-store. Services use no other directory.\n"


class DirectoryObjectStore:
    """Each object is a file, staged in the same file system and renamed into place. Processes can share a root.

    Content types are not stored: readers derive them from the key's extension. Only a root with a mark is a store:
    where a disk is not mounted, the store is unavailable, not empty.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._clock = clock
        self._opened = False
        self._writer = AtomicWriter(root)
        self._threads = Threads(_THREADS, "directory-store")

    async def put_file(self, key: str, path: Path, content_type: str, *, durable: bool = True) -> None:  # noqa: ARG002
        size = await self._threads.run(partial(size_of, path))
        await self._threads.run(partial(self._put_file, check_key(key), path, durable), size)

    async def put_bytes(self, key: str, data: bytes, content_type: str, *, durable: bool = True) -> None:  # noqa: ARG002
        await self._threads.run(partial(self._put, check_key(key), lambda file: file.write(data), durable), len(data))

    async def copy(self, source: str, target: str, content_type: str, *, durable: bool = True) -> None:  # noqa: ARG002
        await self._threads.run(partial(self._copy, check_key(source), check_key(target), durable))

    async def get_bytes(self, key: str) -> bytes:
        return await self._threads.run(partial(self._get, check_key(key)))

    async def stat(self, key: str) -> ObjectStat | None:
        return await self._threads.run(partial(self._stat, check_key(key)))

    async def read_chunks(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        check_range(start, end)
        open_range = partial(self._open_range, check_key(key), start, end)
        async for chunk in read_range(self._threads, open_range, partial(self._errors, key)):
            yield chunk

    async def delete(self, keys: Iterable[str]) -> None:
        checked = (check_key(key) for key in keys)
        while batch := list(islice(checked, _BATCH)):
            await self._threads.run(partial(self._delete, batch))

    async def list_keys(self, prefix: str) -> AsyncGenerator[str, None]:
        async for key in self._threads.stream(self._list(check_prefix(prefix)), _BATCH):
            yield key

    async def time(self) -> datetime:
        return await self._threads.run(self._time)

    async def ping(self) -> None:
        await self._threads.until_none_hangs()
        await self._threads.run(self._ping)

    async def state(self) -> StoreState:
        return await self._threads.run(self._state)

    async def make(self) -> None:
        await self._threads.run(self._make)

    async def close(self) -> None:
        await self._threads.close()

    def _put_file(self, key: str, path: Path, durable: bool) -> None:
        with source_file(path) as source:
            self._put_open(key, source, durable)

    def _put_open(self, key: str, source: BinaryIO, durable: bool) -> None:
        self._put(key, lambda file: shutil.copyfileobj(source, file, _COPY_BUFFER), durable)

    def _put(self, key: str, write: Write, durable: bool) -> None:
        with self._errors():
            self._writer.write(path_of(self._root, key), write, durable=durable)

    def _copy(self, source: str, target: str, durable: bool) -> None:
        # Not a hard link: a write into one of the two objects would change both.
        with self._errors(missing=source), path_of(self._root, source).open("rb") as file:
            self._put_open(target, file, durable)

    def _get(self, key: str) -> bytes:
        with self._errors(missing=key):
            return path_of(self._root, key).read_bytes()

    def _stat(self, key: str) -> ObjectStat | None:
        try:
            with self._errors(missing=key):
                found = path_of(self._root, key).stat()
        except ObjectMissing:
            return None
        # Two writes of the same size can have the same time; the inode differs.
        etag = f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
        return ObjectStat(found.st_size, etag, datetime.fromtimestamp(found.st_mtime, UTC))

    def _open_range(self, key: str, start: int, end: int | None) -> tuple[BinaryIO, int]:
        file = path_of(self._root, key).open("rb")
        size = os.fstat(file.fileno()).st_size
        file.seek(start)
        return file, max(0, (size if end is None else min(end, size)) - start)

    def _delete(self, keys: list[str]) -> None:
        with self._errors():
            paths = [path_of(self._root, key) for key in keys]
            for path in paths:
                path.unlink(missing_ok=True)
            for folder in {path.parent for path in paths}:
                prune(self._root, folder)

    def _list(self, prefix: str) -> Iterator[str]:
        with self._errors():
            yield from keys_under(self._root, prefix)

    def _time(self) -> datetime:
        """The modification time of a new file; on a network file system, by its server's clock."""
        with self._errors(), staged_file(self._root, lambda file: file.write(b"time"), durable=False) as staged:
            modified = staged.stat().st_mtime
            staged.unlink()
        return datetime.fromtimestamp(modified, UTC)

    def _ping(self) -> None:
        with (
            self._errors(),
            staged_file(self._root, lambda file: file.write(bytes(_PING_BYTES)), durable=True) as staged,
        ):
            staged.unlink()

    def _state(self) -> StoreState:
        with self._errors(open_=False):
            if self._is_marked():
                return StoreState.MADE
            return StoreState.UNMARKED if any(keys_under(self._root, "")) else StoreState.ABSENT

    def _make(self) -> None:
        with self._errors(open_=False):
            (self._root / STAGING).mkdir(parents=True, exist_ok=True)
            self._writer.write(self._root / MARK, lambda file: file.write(_MARK_TEXT), durable=True)

    @contextmanager
    def _errors(self, missing: str | None = None, *, open_: bool = True) -> Iterator[None]:
        """Open the store and translate its errors. With `missing`, a file that is not found is ObjectMissing."""
        try:
            if open_:
                self._open()
            yield
        except OSError as error:
            if missing is not None and isinstance(error, FileNotFoundError):
                raise ObjectMissing(missing) from None
            raise StorageUnavailable(str(error)) from error

    def _open(self) -> None:
        if not self._is_marked():
            raise StorageUnavailable(
                f"{self._root} is not an object store (it has no {MARK}): is its disk mounted? "
                "A new store is made by imagemill-admin init-store"
            )
        staging = self._root / STAGING
        if self._opened and staging.is_dir():
            return
        staging.mkdir(exist_ok=True)
        remove_abandoned(self._root, before=self._clock() - _ABANDONED_AFTER)
        self._opened = True

    def _is_marked(self) -> bool:
        return (self._root / MARK).is_file()
