"""A worker process: the code that runs in it, and the handle that the service has on it."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from services.compressor.compress import Compressed, compress
from services.compressor.compress_error import CompressError
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions

Task = tuple[bytes, CompressOptions, int, bool]
"""The arguments of `compress`: original, options, max_pixels and measure_ssim."""

_START_SECONDS = 60.0

# Not "fork": it can copy a held lock from a process with threads. A spawned process also inherits no sockets.
_context = multiprocessing.get_context("spawn")


class WorkerError(Exception):
    """The worker process did not start, or failed with an unexpected exception."""


class Worker:
    """A process that compresses one image at a time. Not thread-safe, except for `kill`."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None
        self._tasks: Connection
        self._results: Connection

    def start(self) -> None:
        """Start the process unless it runs, and wait until it is ready. Raises WorkerError."""
        if self._process and self._process.is_alive():
            return
        self.discard()
        child_tasks, self._tasks = _context.Pipe(duplex=False)
        self._results, child_results = _context.Pipe(duplex=False)
        process = _context.Process(target=_serve, args=(child_tasks, child_results), daemon=True)
        # The child's ends are closed in this process, so that each side notices when the other one is gone.
        with child_tasks, child_results:
            process.start()
        self._process = process
        try:
            ready = self._results.poll(_START_SECONDS) and self._results.recv() is None
        except EOFError:
            ready = False
        if not ready:
            self.discard()
            raise WorkerError("a worker process did not start")

    def run(self, task: Task, timeout: float) -> tuple[Compressed, float]:
        """Compress in the process, which is started if necessary. Returns the result and the seconds it took.

        Raises CompressError, also if the process dies or takes more than `timeout` seconds; WorkerError.
        """
        self.start()
        try:
            self._tasks.send(task)
            if not self._results.poll(timeout):
                self.discard()
                raise CompressError(ErrorCode.DECODE_TIMEOUT, f"not compressed after {timeout:g} s")
            result = self._results.recv()
        except (EOFError, OSError) as error:
            raise CompressError(ErrorCode.DECODER_CRASHED, f"the worker process {self._exit_reason()}") from error
        if isinstance(result, Exception):
            raise result
        compressed, seconds = result
        return compressed, seconds

    def kill(self) -> None:
        """Kill the process; a `run` in another thread then fails."""
        if process := self._process:
            process.kill()

    def discard(self) -> None:
        """Kill the process and release its resources."""
        if self._process:
            self._process.kill()
            self._process.join()
            self._tasks.close()
            self._results.close()
            self._process = None

    def _exit_reason(self) -> str:
        process = self._process
        if process is None:
            return "ended"
        process.join(1)  # the pipe closes a moment before the process is gone
        code = process.exitcode
        self.discard()
        return f"was ended by {signal.Signals(-code).name}" if code and code < 0 else f"ended with exit status {code}"


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
        return error
    except Exception:
        return WorkerError(traceback.format_exc())  # as text, because not every exception can be pickled


def _exit_with_service() -> None:
    """Exit when the service is gone, also if it was killed, and while a decoder hangs."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
