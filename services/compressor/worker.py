"""A worker process: the code that runs in it, and the handle that the service has on it."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from services.compressor.compress import Compressed, compress
from services.compressor.compress_error import CompressError
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from shared.errors import EncoderUnavailable

Task = tuple[bytes, CompressOptions, int, bool]
"""The arguments of `compress`: original, options, max_pixels and measure_ssim."""

_START_SECONDS = 60.0
_END_SECONDS = 5.0
_BUSY_SHARE = 0.1  # of a processor, on a machine that is busy with twice as many pictures and with other services

# Not "fork": it can copy a held lock from a process with threads. A spawned process also inherits no sockets.
_context = multiprocessing.get_context("spawn")


class WorkerError(Exception):
    """The worker process failed with an unexpected exception."""


class WorkStopped(Exception):
    """The work was stopped for other work, after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"stopped after {seconds:.1f} s")
        self.seconds = seconds


class Worker:
    """A process that compresses one image at a time. Not thread-safe, except for `close` and `stop`."""

    def __init__(self) -> None:
        self._closed = False
        self._lock = threading.Lock()  # so that `stop` ends no other work than its own
        self._work: object = None
        self._is_working = False
        self._is_stopped = False
        self._process: BaseProcess | None = None
        self._tasks: Connection
        self._results: Connection

    def start(self) -> BaseProcess:
        """The process; started, if it does not run, and ready. Raises EncoderUnavailable."""
        if self._process and self._process.is_alive():
            return self._process
        self._discard()
        try:
            self._process = process = self._spawn()
            # `close` may have run before there was a process to kill.
            ready = not self._closed and self._results.poll(_START_SECONDS) and self._results.recv() is None
        except (EOFError, OSError) as error:
            self._discard()
            raise EncoderUnavailable(f"a worker process did not start: {error!r}") from error
        if not ready:
            self._discard()
            raise EncoderUnavailable(f"a worker process was not ready after {_START_SECONDS:g} s")
        return process

    def _spawn(self) -> BaseProcess:
        child_tasks, self._tasks = _context.Pipe(duplex=False)
        self._results, child_results = _context.Pipe(duplex=False)
        process = _context.Process(target=_serve, args=(child_tasks, child_results), daemon=True)
        # The child's ends are closed in this process, so that each side notices when the other one is gone.
        with child_tasks, child_results:
            process.start()
        return process

    def run(self, task: Task, timeout: float, work: object = None) -> tuple[Compressed, float]:
        """Compress in the process, which is started if necessary. Returns the result and the seconds it took.

        timeout: maximum seconds for handing over the task, the work and its result together. work: see `stop`.
        Raises CompressError, also if the process dies or takes too long; WorkStopped; WorkerError; EncoderUnavailable.
        """
        with self._lock:
            self._work, self._is_stopped = work, False
        try:
            result = self._result_of(task, timeout)
        finally:
            with self._lock:
                self._work, self._is_working = None, False
        if self._is_stopped:  # it was killed just after its answer
            self._discard()
        if isinstance(result, Exception):
            raise result
        compressed, seconds = result
        return compressed, seconds

    def _result_of(self, task: Task, timeout: float) -> Any:
        process = self.start()
        started_at = time.monotonic()
        with self._lock:
            if self._is_stopped:
                raise WorkStopped(0)
            self._is_working = True
        try:
            return self._answer(task, timeout, process)
        except CompressError as error:
            if self._is_stopped:
                raise WorkStopped(time.monotonic() - started_at) from error
            error.milliseconds = round((time.monotonic() - started_at) * 1000)
            raise

    def _answer(self, task: Task, timeout: float, process: BaseProcess) -> Any:
        """What the process sends for the task."""
        with _killed_after(timeout, process) as deadline:
            try:
                # Both wait for a process that hangs, if the data exceed the pipe's buffer.
                self._tasks.send(task)
                result = self._results.recv()
            except (EOFError, OSError) as error:
                late = f"not compressed after {timeout:g} s" if deadline.is_over else None
                lost = self._lost(process, late)
                lost.used_its_time = deadline.cpu_seconds >= _BUSY_SHARE * timeout
                raise lost from error
        if deadline.is_over:  # it was killed just after its answer
            self._discard()
        return result

    def stop(self, work: object) -> None:
        """Kill the process if it does this work now, or does not begin it: `run` then raises WorkStopped."""
        with self._lock:
            if self._work is work:
                self._is_stopped = True
                if self._is_working and self._process:
                    self._process.kill()

    def end(self) -> None:
        """End the process; the next `run` starts another one. No `start` or `run` may be in progress."""
        self._discard()

    def close(self) -> None:
        """Kill the process for good; a `start` or `run` in another thread then fails."""
        self._closed = True
        if process := self._process:
            process.kill()

    def _discard(self) -> None:
        if self._process:
            self._process.kill()
            self._process.join(_END_SECONDS)
            self._tasks.close()
            self._results.close()
            self._process = None

    def _lost(self, process: BaseProcess, late: str | None) -> CompressError:
        """The error after the process was killed because it was late, or died by itself."""
        process.join(_END_SECONDS)  # the pipe closes a moment before the process is gone
        code = process.exitcode
        self._discard()
        if late is not None:
            return CompressError(ErrorCode.DECODE_TIMEOUT, late)
        how = f"was ended by {signal.Signals(-code).name}" if code and code < 0 else f"ended with exit status {code}"
        return CompressError(ErrorCode.DECODER_CRASHED, f"the worker process {how}")


@dataclass(slots=True)
class _Deadline:
    """Whether the process was killed, and how long it had used a processor since the deadline was set."""

    is_over: bool = False
    cpu_seconds: float = 0


@contextlib.contextmanager
def _killed_after(seconds: float, process: BaseProcess) -> Iterator[_Deadline]:
    """Kill `process` after `seconds`, unless the block has ended."""
    deadline, before = _Deadline(), _cpu_seconds(process)

    def kill() -> None:
        deadline.cpu_seconds = _cpu_seconds(process) - before
        deadline.is_over = True
        process.kill()

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        timer.join()  # after the block it kills nothing: the process has its next task then


def _cpu_seconds(process: BaseProcess) -> float:
    """User and system time of a process; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _serve(tasks: Connection, results: Connection) -> None:
    """The main function of the process. Sends None when it is ready, then one result for each task."""
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole process group: only the service reacts to them
        signal.signal(number, signal.SIG_IGN)
    os.environ["RAYON_NUM_THREADS"] = "1"  # oxipng's threads; there is one worker for each core already
    threading.Thread(target=_exit_with_service, daemon=True).start()
    results.send(None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            results.send(_run(tasks.recv()))


def _run(task: Task) -> tuple[Compressed, float] | Exception:
    started = time.perf_counter()
    try:
        original, options, max_pixels, measure_ssim = task
        compressed = compress(original, options, max_pixels, measure_ssim=measure_ssim)
        return compressed, time.perf_counter() - started
    except CompressError as error:
        error.milliseconds = round((time.perf_counter() - started) * 1000)
        return error
    except Exception:
        return WorkerError(traceback.format_exc())  # as text, because not every exception can be pickled


def _exit_with_service() -> None:
    """Exit when the service is gone, also if it was killed, and while a decoder hangs."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
