"""The service's handle on a worker process. It lives on the event loop."""

import asyncio
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

from services.compressor.compress import Compressed
from services.compressor.compress_error import CompressError
from services.compressor.frames import Frame, FrameReader, parts
from services.compressor.serve import Answer, Arguments, serve
from shared.contracts.error_codes import ErrorCode
from shared.errors import EncoderUnavailable

BUSY_SHARE = 0.1
"""Of a processor, which a picture that is at fault uses at least: the machine is also busy with twice as many pictures
and with other services."""
_START_SECONDS = 60.0
_END_SECONDS = 5.0

# Not "fork": it can copy a held lock from a process with threads. A spawned process also inherits no sockets.
_context = multiprocessing.get_context("spawn")


class WorkStopped(Exception):
    """The work was stopped for other work, after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"stopped after {seconds:.1f} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Task:
    original: bytes
    arguments: Arguments


class Worker:
    """A process that compresses one image at a time."""

    def __init__(self) -> None:
        self._closed = False
        self._work: object = None
        self._is_working = False
        self._is_stopped = False
        self._starting = asyncio.Lock()
        self._process: BaseProcess | None = None
        self._link: _Link | None = None
        self._cpu_seconds = 0.0  # that the process had used when it sent its last answer

    @property
    def is_running(self) -> bool:
        return bool(self._link and self._process and self._process.is_alive())

    async def start(self) -> BaseProcess:
        """The process; started, if it does not run, and ready. Raises EncoderUnavailable. Do not cancel it."""
        async with self._starting:
            if self._process and self._process.is_alive():
                return self._process
            await self._discard()
            if self._closed:
                raise EncoderUnavailable("the pool is closed")
            try:
                return await self._ready_process()
            except TimeoutError as error:
                await self._discard()
                raise EncoderUnavailable(f"a worker process was not ready after {_START_SECONDS:g} s") from error
            except (EOFError, OSError) as error:
                await self._discard()
                raise EncoderUnavailable(f"a worker process did not start: {error!r}") from error

    async def _ready_process(self) -> BaseProcess:
        ours, theirs = socket.socketpair()
        with theirs:  # closed in this process, so that each side notices when the other one is gone
            _, link = await asyncio.get_running_loop().create_unix_connection(_Link, sock=ours)
            self._link = link
            self._process = process = _context.Process(target=serve, args=(theirs,), daemon=True)
            await asyncio.to_thread(process.start)
        self._kill_if_closed()  # `close` may have run before there was a process to kill
        async with asyncio.timeout(_START_SECONDS):
            _, self._cpu_seconds = (await link.answer).head
        return process

    async def run(self, task: Task, limit: float, work: object = None) -> tuple[Compressed, float]:
        """Compress in the process, which is started if necessary. Returns the result and the seconds it took.

        limit: maximum seconds for handing over the task, the work and its result together. work: see `stop`.
        Raises CompressError, also if the process dies or takes too long; UnexpectedFault; WorkStopped; WorkerError;
        EncoderUnavailable.
        Do not cancel it.
        """
        self._work, self._is_stopped = work, False
        try:
            answer, data = await self._answer_to(task, limit)
        finally:
            self._work, self._is_working = None, False
        if self._is_stopped:  # it was killed just after its answer
            await self._discard()
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None  # noqa: S101 (only the first answer of a process is None)
        compressed, seconds = answer
        return (compressed._replace(data=data) if data else compressed), seconds

    async def _answer_to(self, task: Task, limit: float) -> tuple[Answer, bytes]:
        process = await self.start()
        if self._is_stopped:
            raise WorkStopped(0)
        self._is_working = True
        started_at = time.monotonic()
        assert self._link is not None  # noqa: S101 (it has started)
        with _killed_after(limit, process) as deadline:
            try:
                # The process may also hang before it has taken the whole task, or in the middle of its answer.
                (answer, cpu_seconds), data = await self._link.ask(task)
            except EOFError as error:
                late = f"not compressed after {limit:g} s" if deadline.is_over else None
                lost = await self._lost(process, late)
                lost.used_its_time = deadline.cpu_seconds - self._cpu_seconds >= BUSY_SHARE * limit
                if self._is_stopped:
                    raise WorkStopped(time.monotonic() - started_at) from error
                lost.milliseconds = round((time.monotonic() - started_at) * 1000)
                raise lost from error
        self._cpu_seconds = cpu_seconds
        if deadline.is_over:  # it was killed just after its answer
            await self._discard()
        return answer, data

    def stop(self, work: object) -> None:
        """Kill the process if it does this work now, or does not begin it: `run` then raises WorkStopped."""
        if self._work is work:
            self._is_stopped = True
            if self._is_working and self._process:
                self._process.kill()

    async def end(self) -> None:
        """End the process; the next `run` starts another one. No `start` or `run` may be in progress."""
        await self._discard()

    def close(self) -> None:
        """Kill the process for good; a `start` or `run` in progress then fails."""
        self._closed = True
        self._kill_if_closed()

    def _kill_if_closed(self) -> None:
        if self._closed and self._process and self._process.pid:
            self._process.kill()

    async def _discard(self) -> None:
        if self._link:
            self._link.close()
        process, self._process = self._process, None
        if process and process.pid:
            process.kill()
            await asyncio.to_thread(process.join, _END_SECONDS)

    async def _lost(self, process: BaseProcess, late: str | None) -> CompressError:
        """The error after the process was killed because it was late, or died by itself."""
        await asyncio.to_thread(process.join, _END_SECONDS)  # the socket closes a moment before the process is gone
        code = process.exitcode
        await self._discard()
        if late is not None:
            return CompressError(ErrorCode.DECODE_TIMEOUT, late)
        how = f"was ended by {signal.Signals(-code).name}" if code and code < 0 else f"ended with exit status {code}"
        return CompressError(ErrorCode.DECODER_CRASHED, f"the worker process {how}")


class _Link(asyncio.Protocol):
    """The service's end of the socket. answer: the next frame of the process; fails with EOFError if it is gone."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._frames = FrameReader()
        self._transport: asyncio.WriteTransport | None = None

    async def ask(self, task: Task) -> Frame:
        """The answer of the process to a task. Raises EOFError."""
        if self._transport is None:
            raise EOFError
        self.answer = asyncio.get_running_loop().create_future()
        self._transport.writelines(parts(task.arguments, task.original))
        return await self.answer

    def close(self) -> None:
        self.answer.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one without being an instance

    def data_received(self, data: bytes) -> None:
        if (frame := self._frames.feed(data)) is not None and not self.answer.done():
            self.answer.set_result(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self.answer.done():
            self.answer.set_exception(EOFError(str(exc or "")))


@dataclass(slots=True)
class _Deadline:
    """Whether the process was killed, and the processor seconds that it had used by then."""

    is_over: bool = False
    cpu_seconds: float = 0


@contextmanager
def _killed_after(seconds: float, process: BaseProcess) -> Iterator[_Deadline]:
    """Kill `process` after `seconds`, unless the block has ended."""
    deadline = _Deadline()

    def kill() -> None:
        deadline.cpu_seconds = _cpu_seconds(process)
        deadline.is_over = True
        process.kill()

    timer = asyncio.get_running_loop().call_later(seconds, kill)
    try:
        yield deadline
    finally:
        timer.cancel()


def _cpu_seconds(process: BaseProcess) -> float:
    """User and system time of a process; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
