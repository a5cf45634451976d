"""A pool of worker processes: one that crashes or hangs loses only the image it works on.

The event loop sends each process one task at a time through a socket and receives the result. Libraries do not serve.
The standard library's ProcessPoolExecutor fails all its tasks when one worker dies, and cannot end one that hangs.
Pebble 5.2, made for this, fails for good ("All workers expired") when a worker dies while it is idle, as the kernel's
out-of-memory killer makes happen; it polls its workers ten times a second. This pool takes no time while it is idle,
and 0.5 ms of CPU time for a photograph of 113 kB; with a thread and a pipe for each process it was 1.0 ms.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from services.compressor.compress import Compressed
from services.compressor.compress_error import CompressError, UnexpectedFault
from services.compressor.lanes import Lanes, Return, Stop, Work
from services.compressor.worker import Task, Worker, WorkStopped
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from shared.errors import StoppedWhileStarting
from shared.long_lived import moving

T = TypeVar("T")

_LEAST_SHARE = 0.1  # of the time limit, for work that was stopped often
_MAX_DETAIL = 300  # characters of an error's detail

log = structlog.get_logger(__name__)


def usable_cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose picture waits for a worker process.

    spent_seconds: of its time limit, used before; then only the slow lane works on it.
    on_slow: called once if it is slow, or has to wait for the slow lane.
    """

    request_id: str = ""
    spent_seconds: float = 0
    on_slow: Callable[[], object] | None = None


@dataclass(slots=True)
class _Job:
    """What belongs to a piece of work until it ends. worker: which runs it.

    turn: whether the work may start, once that is known; else it is to come back through the slow lane's queue.
    """

    turn: asyncio.Future[bool]
    on_slow: Callable[[], object] | None
    worker: Worker | None = None


class CpuPool:
    """Compresses in `processes` worker processes, each image within `timeout` seconds. An async context manager.

    A process that takes longer is killed and replaced, wherever it hangs. Up to `processes` more work on slow pictures,
    see `lanes`. They are started when they are needed, and end with their picture.
    """

    def __init__(
        self, processes: int, timeout: float, stop: asyncio.Event | None = None, *, measure_ssim: bool = True
    ) -> None:
        """`stop` ends the start."""
        self._timeout = timeout
        self._stop = stop or asyncio.Event()
        self._lanes = Lanes(processes, processes)
        self._jobs: dict[Work, _Job] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._measure_ssim = measure_ssim
        self._workers = [Worker() for _ in range(processes)]
        slow = [Worker() for _ in range(processes)]
        self._all_workers = [*slow, *self._workers]
        self._idle = deque(slow)  # those on the right are running

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
        starts = (worker.start() for worker in self._workers)
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

        Raises CompressError, with DECODER_CRASHED or DECODE_TIMEOUT if the process died or was too slow, and with
        DECODE_ERROR if an unexpected exception repeats at once in another process; WorkStopped, also before the start;
        WorkerError; EncoderUnavailable.
        Cancellation discards the result but does not stop the work: the process takes its next task afterwards.
        """
        turn = turn or Turn()
        seconds = max(_LEAST_SHARE * self._timeout, self._timeout - turn.spent_seconds)
        work = Work(turn.request_id, seconds, slow=turn.spent_seconds > 0)
        job = self._jobs[work] = _Job(asyncio.get_running_loop().create_future(), turn.on_slow)
        self._lanes.add(work)
        try:
            self._settle()
            if not job.turn.done():
                with moving():
                    await job.turn
        except BaseException:
            self._leave(work)
            raise
        if not job.turn.result():
            self._leave(work)
            raise WorkStopped(0)
        task = Task(original, (options, max_pixels, self._measure_ssim))
        running = self._in_background(self._run(task, work, job))
        running.add_done_callback(lambda _: self._leave(work))  # also if nobody waits for the result any more
        return await asyncio.shield(running)

    def _leave(self, work: Work) -> None:
        self._lanes.leave(work)
        del self._jobs[work]
        self._settle()

    def _settle(self) -> None:
        """Start what has its turn, and make room for what waits."""
        now = time.monotonic()
        self._start_turns(now)
        for work in self._lanes.became_slow(now):
            self._report_slow(work)
        while (action := self._lanes.make_room(now)) is not None:
            job = self._jobs[action.work]
            if isinstance(action, Return):
                self._report_slow(action.work)
                self._decide(job, starts=False)
            elif isinstance(action, Stop) and job.worker is not None:
                job.worker.stop(action.work)
            self._start_turns(now)
        if self._timer is not None:
            self._timer.cancel()
        again_at = self._lanes.look_again_at(now)
        self._timer = (again_at and asyncio.get_running_loop().call_later(again_at - now, self._settle)) or None

    def _start_turns(self, now: float) -> None:
        for work in self._lanes.start(now):
            self._decide(self._jobs[work], starts=True)

    def _decide(self, job: _Job, *, starts: bool) -> None:
        if not job.turn.done():  # else it was cancelled, and is about to leave
            job.turn.set_result(starts)

    def _report_slow(self, work: Work) -> None:
        on_slow = self._jobs[work].on_slow
        if on_slow is not None:
            on_slow()

    async def ping(self) -> None:
        """Raises EncoderUnavailable unless a process runs, or starts."""
        if len(self._idle) > len(self._workers):  # else all usual processes are at work
            await asyncio.shield(self._in_background(self._idle[-1].start()))

    async def _run(self, task: Task, work: Work, job: _Job) -> tuple[Compressed, float]:
        worker = job.worker = self._idle.pop()
        try:
            await self._make_ready(worker, work)
            try:
                return await worker.run(task, work.seconds, work)
            except UnexpectedFault as fault:
                if work.is_stopping:
                    raise WorkStopped(fault.milliseconds / 1000) from fault
                return await self._run_again(worker, task, work, fault)
        finally:
            job.worker = None
            if work.in_slow_lane:
                await worker.end()
                self._idle.appendleft(worker)
            else:
                self._idle.append(worker)

    async def _make_ready(self, worker: Worker, work: Work) -> None:
        if not worker.is_running:
            work.waits_for_process = True
            await worker.start()
            self._lanes.begin(work, time.monotonic())
            self._settle()

    async def _run_again(
        self, worker: Worker, task: Task, work: Work, first: UnexpectedFault
    ) -> tuple[Compressed, float]:
        """In a new process, whose state earlier pictures cannot have damaged, and in the time that is left."""
        log.warning("unexpected_fault", what=first.what, trace=first.trace)
        await worker.end()
        await self._make_ready(worker, work)
        spent = first.milliseconds / 1000
        if work.is_stopping:  # since then
            raise WorkStopped(spent)
        try:
            compressed, seconds = await worker.run(task, max(_LEAST_SHARE * self._timeout, work.seconds - spent), work)
        except WorkStopped as stopped:
            raise WorkStopped(spent + stopped.seconds) from stopped
        except UnexpectedFault as fault:
            error = CompressError(ErrorCode.DECODE_ERROR, f"it cannot be processed: {fault.what}"[:_MAX_DETAIL])
            error.milliseconds = first.milliseconds + fault.milliseconds
            error.was_tried_twice = True
            raise error from fault
        except CompressError as error:
            error.milliseconds += first.milliseconds
            raise
        return compressed, spent + seconds

    def _in_background(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that lasts although its caller is cancelled, and at most as long as the pool."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # else asyncio logs the one of a task whose caller was cancelled

    async def _close(self) -> None:
        for worker in self._all_workers:
            worker.close()
        while self._tasks:  # each ends with the process that it uses
            await asyncio.wait(self._tasks)
        if self._timer is not None:
            self._timer.cancel()
        for worker in self._all_workers:
            await worker.end()
