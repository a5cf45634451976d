"""One worker process, seen from both sides: what runs in it, and the handle that the service holds of it."""

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

# Forking a process that has threads can copy a held lock; a spawned worker also holds no sockets of the service.
_context = multiprocessing.get_context("spawn")


class WorkerFault(Exception):
    """The worker could not start, or ran into an error that is not the picture's."""


class Worker:
    """A process that compresses one picture at a time. Used by one thread at a time, but for `kill`."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None
        self._tasks: Connection
        self._answers: Connection

    def start(self) -> None:
        """Start the process and wait until it can work. Raises WorkerFault. Nothing happens if it runs."""
        if self._process and self._process.is_alive():
            return
        self.discard()
        their_tasks, self._tasks = _context.Pipe(duplex=False)
        self._answers, their_answers = _context.Pipe(duplex=False)
        process = _context.Process(target=_serve, args=(their_tasks, their_answers), daemon=True)
        with their_tasks, their_answers:  # closed here once they are over there, so that each side sees the other's end
            process.start()
        self._process = process
        try:
            ready = self._answers.poll(_START_SECONDS) and self._answers.recv() is None
        except EOFError:
            ready = False
        if not ready:
            self.discard()
            raise WorkerFault("a worker process did not start")

    def run(self, task: Task, timeout: float) -> tuple[Compressed, float]:
        """The compressed picture, and the seconds it took. Starts the process if it does not run.

        Raises CompressError, also if the process dies of the picture or needs more than `timeout` seconds; WorkerFault.
        """
        self.start()
        try:
            self._tasks.send(task)
            if not self._answers.poll(timeout):
                self.discard()
                raise CompressError(ErrorCode.DECODE_TIMEOUT, f"not compressed after {timeout:g} s")
            answer = self._answers.recv()
        except (EOFError, OSError) as error:
            raise CompressError(ErrorCode.DECODER_CRASHED, f"the worker process {self._ending()}") from error
        if isinstance(answer, Exception):
            raise answer
        compressed, seconds = answer
        return compressed, seconds

    def kill(self) -> None:
        """End the process at once; a `run` under way in another thread ends with an error."""
        if process := self._process:
            process.kill()

    def discard(self) -> None:
        """End the process and let go of it."""
        if self._process:
            self._process.kill()
            self._process.join()
            self._tasks.close()
            self._answers.close()
            self._process = None

    def _ending(self) -> str:
        process = self._process
        if process is None:
            return "ended"
        process.join(1)  # its end of the pipe closes a moment before it is gone
        code = process.exitcode
        self.discard()
        return f"was ended by {signal.Signals(-code).name}" if code and code < 0 else f"ended with exit status {code}"


def _serve(tasks: Connection, answers: Connection) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group: the service decides when we end
        signal.signal(number, signal.SIG_IGN)
    os.environ["RAYON_NUM_THREADS"] = "1"  # oxipng's threads; there is a worker for each core already
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    answers.send(None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            answers.send(_answer(tasks.recv()))


def _answer(task: Task) -> tuple[Compressed, float] | Exception:
    begun = time.perf_counter()
    try:
        original, options, max_pixels, measure_ssim = task
        compressed = compress(original, options, max_pixels, measure_ssim=measure_ssim)
        return compressed, time.perf_counter() - begun
    except CompressError as error:
        return error
    except Exception:
        return WorkerFault(traceback.format_exc())  # the exception itself might not survive the way


def _end_with_the_service() -> None:
    """Also when it was killed, and while a decoder hangs."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
