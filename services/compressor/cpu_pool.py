"""A pool of worker processes: one that crashes or hangs loses only the image it works on.

Each process has a thread that sends it one task at a time through a pipe and waits for the result. Libraries do not
serve. The standard library's ProcessPoolExecutor fails all its tasks when one worker dies, and cannot end one that
hangs. Pebble 5.2, made for this, fails for good ("All workers expired") when a worker dies while it is idle, as the
kernel's out-of-memory killer makes happen; it polls its workers ten times a second, and takes 0.6 ms of CPU time for a
task with 200 kB. This pool takes 0.35 ms, and no time while it is idle.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from services.compressor.compress import Compressed
from services.compressor.lanes import Lanes, Stop, Work
from services.compressor.worker import Task, Worker
from shared.contracts.messages import CompressOptions
from shared.errors import StoppedWhileStarting
from shared.long_lived import moving

_LEAST_SHARE = 0.1  # of the time limit, for work that was stopped often


def usable_cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose picture waits for a worker process.

    spent_seconds: of its time limit, used before; then only the slow lane works on it.
    on_slow: called if it moves to the slow lane, or is stopped.
    """

    request_id: str = ""
    spent_seconds: float = 0
    on_slow: Callable[[], object] | None = None


class CpuPool:
    """Compresses in `processes` worker processes, each image within `timeout` seconds. An async context manager.

    A process that takes longer is killed and replaced, wherever it hangs, so that no thread waits for it indefinitely.
    Up to `processes` more work on slow pictures, see `lanes`. They are started when they are needed, and end with their
    picture.
    """

    def __init__(
        self, processes: int, timeout: float, stop: asyncio.Event | None = None, *, measure_ssim: bool = True
    ) -> None:
        """`stop` ends the start."""
        self._timeout = timeout
        self._stop = stop or asyncio.Event()
        self._lanes = Lanes(processes, processes)
        self._turns: dict[Work, asyncio.Future[None]] = {}
        self._on_slow: dict[Work, Callable[[], object] | None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._measure_ssim = measure_ssim
        self._workers = [Worker() for _ in range(processes)]
        slow = [Worker() for _ in range(processes)]
        self._all_workers = [*slow, *self._workers]
        self._idle = deque(slow)  # those on the right are running
        self._worker_of: dict[Work, Worker] = {}
        self._threads = ThreadPoolExecutor(2 * processes, thread_name_prefix="compress")

    async def __aenter__(self) -> Self:
        """Start all processes.

        Raises EncoderUnavailable if one does not start, StoppedWhileStarting if `stop` is set first.
        """
        try:
            await self._start_all()
        except BaseException:
            await self._close()
            raise
        self._idle.extend(self._workers)
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

    async def compress(
        self, original: bytes, options: CompressOptions, max_pixels: int, turn: Turn | None = None
    ) -> tuple[Compressed, float]:
        """The result of `compress.compress`, and the seconds it took, excluding the wait for a free process.

        Raises CompressError, with DECODER_CRASHED or DECODE_TIMEOUT if the process died or was too slow; WorkStopped;
        WorkerError; EncoderUnavailable.
        Cancellation discards the result but does not stop the work: the process takes its next task afterwards.
        """
        task = (original, options, max_pixels, self._measure_ssim)
        turn = turn or Turn()
        seconds = max(_LEAST_SHARE * self._timeout, self._timeout - turn.spent_seconds)
        work = Work(turn.request_id, seconds, slow=turn.spent_seconds > 0)
        loop = asyncio.get_running_loop()
        self._turns[work], self._on_slow[work] = loop.create_future(), turn.on_slow
        self._lanes.add(work)
        try:
            self._settle()
            with moving():
                await self._turns[work]
        except BaseException:
            self._leave(work)
            raise
        running = loop.run_in_executor(self._threads, self._run, task, work)
        running.add_done_callback(lambda _: self._leave(work))  # also if nobody waits for the result any more
        return await asyncio.shield(running)

    def _leave(self, work: Work) -> None:
        self._lanes.leave(work)
        del self._turns[work], self._on_slow[work]
        self._settle()

    def _settle(self) -> None:
        """Start what has its turn, and make room for what waits."""
        now = time.monotonic()
        self._start_turns(now)
        while (action := self._lanes.make_room(now)) is not None:
            if (on_slow := self._on_slow[action.work]) is not None:
                on_slow()
            if isinstance(action, Stop) and (worker := self._worker_of.get(action.work)):
                worker.stop(action.work)
            self._start_turns(now)
        if self._timer is not None:
            self._timer.cancel()
        again_at = self._lanes.look_again_at(now)
        self._timer = (again_at and asyncio.get_running_loop().call_later(again_at - now, self._settle)) or None

    def _start_turns(self, now: float) -> None:
        for work in self._lanes.start(now):
            if not self._turns[work].done():  # cancelled, and about to leave
                self._turns[work].set_result(None)

    async def ping(self) -> None:
        """Raises EncoderUnavailable unless a process runs, or starts."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._start)

    def _start(self) -> None:
        worker = self._idle.pop()
        try:
            if len(self._idle) >= len(self._workers):  # else all usual processes are at work
                worker.start()
        finally:
            self._idle.append(worker)

    def _run(self, task: Task, work: Work) -> tuple[Compressed, float]:
        worker = self._worker_of[work] = self._idle.pop()
        try:
            return worker.run(task, work.seconds, work)
        finally:
            del self._worker_of[work]
            if work.in_slow_lane:
                worker.end()
                self._idle.appendleft(worker)
            else:
                self._idle.append(worker)

    async def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all_workers:
            worker.close()
        await asyncio.to_thread(self._threads.shutdown, wait=True)
        for worker in self._all_workers:
            worker.end()
