"""A pool of worker processes: one that crashes or hangs loses only the image it works on.

Each process has a thread that sends it one task at a time through a pipe and waits for the result. Libraries do not
serve. The standard library's ProcessPoolExecutor fails all its tasks when one worker dies, and cannot end one that
hangs. Pebble 5.2, made for this, fails for good ("All workers expired") when a worker dies while it is idle, as the
kernel's out-of-memory killer makes happen; it polls its workers ten times a second, and takes 0.6 ms of CPU time for a
task with 200 kB. This pool takes 0.35 ms, and no time while it is idle.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from services.compressor.compress import Compressed
from services.compressor.worker import Task, Worker
from shared.contracts.messages import CompressOptions
from shared.errors import StoppedWhileStarting
from shared.long_lived import moving


def usable_cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0))


class CpuPool:
    """Compresses in `processes` worker processes, each image within `timeout` seconds. An async context manager.

    A process that takes longer is killed and replaced, wherever it hangs, so that no thread waits for it indefinitely.
    """

    def __init__(
        self, processes: int, timeout: float, stop: asyncio.Event | None = None, *, measure_ssim: bool = True
    ) -> None:
        """`stop` ends the start."""
        self._timeout = timeout
        self._stop = stop or asyncio.Event()
        self._turns = asyncio.Semaphore(processes)
        self._measure_ssim = measure_ssim
        self._workers = [Worker() for _ in range(processes)]
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="compress")

    async def __aenter__(self) -> Self:
        """Start all processes.

        Raises EncoderUnavailable if one does not start, StoppedWhileStarting if `stop` is set first.
        """
        try:
            await self._start_all()
        except BaseException:
            await self._close()
            raise
        for worker in self._workers:
            self._idle.put(worker)
        return self

    async def _start_all(self) -> None:
        starting = asyncio.create_task(self._start_each())
        stopping = asyncio.create_task(self._stop.wait())
        waits: list[asyncio.Task[Any]] = [starting, stopping]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not starting.done():
                for worker in self._workers:
                    worker.close()
                await asyncio.wait([starting])
        error = starting.exception()
        if self._stop.is_set():
            raise StoppedWhileStarting("the worker processes") from error
        if error is not None:
            raise error

    async def _start_each(self) -> None:
        starts = (asyncio.to_thread(worker.start) for worker in self._workers)
        for started in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(started, BaseException):
                raise started

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill all processes, with the tasks they work on."""
        await self._close()

    async def compress(self, original: bytes, options: CompressOptions, max_pixels: int) -> tuple[Compressed, float]:
        """The result of `compress.compress`, and the seconds it took, excluding the wait for a free process.

        Raises CompressError, with DECODER_CRASHED or DECODE_TIMEOUT if the process died or was too slow; WorkerError;
        EncoderUnavailable.
        Cancellation discards the result but does not stop the work: the process takes its next task afterwards.
        """
        task = (original, options, max_pixels, self._measure_ssim)
        with moving():
            await self._turns.acquire()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, task)
        finally:
            self._turns.release()

    async def ping(self) -> None:
        """Raises EncoderUnavailable unless a process runs, or starts."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._start)

    def _start(self) -> None:
        worker = self._idle.get()
        try:
            worker.start()
        finally:
            self._idle.put(worker)

    def _run(self, task: Task) -> tuple[Compressed, float]:
        worker = self._idle.get()
        try:
            return worker.run(task, self._timeout)
        finally:
            self._idle.put(worker)

    async def _close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()
        await asyncio.to_thread(self._threads.shutdown, wait=True)
        for worker in self._workers:
            worker.release()
