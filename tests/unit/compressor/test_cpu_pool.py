"""Worker processes that die or hang lose only their current image, and are replaced."""

import asyncio
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from services.compressor import worker
from services.compressor.compress import Compressed, compress
from services.compressor.compress_error import CompressError, UnexpectedFault
from services.compressor.cpu_pool import CpuPool, Turn, usable_cores
from services.compressor.lanes import deliveries
from services.compressor.serve import WorkerError
from services.compressor.worker import WorkStopped
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from shared.errors import EncoderUnavailable, StoppedWhileStarting
from shared.long_lived import progress_is
from tests.support.broken_workers import (
    FAILS_ONCE,
    FAULTY,
    FULL_DISK,
    NOT_INSTALLED,
    OUT_OF_MEMORY,
    answer_half,
    busy_for_ever,
    fails_for_marked_pictures,
    never_ready,
    slow_start,
)
from tests.support.compressing import MAX_PIXELS, a_picture, encoded
from tests.support.waiting import until

ORIGINAL = encoded(a_picture(), "JPEG")
LARGE = bytes(4_000_000)
LONG_WORK = encoded(a_picture(size=(2400, 1800), noise=60), "JPEG")
PATIENCE = 20.0
HALF = CompressOptions(percent=50)


def worker_ids() -> set[int]:
    """The live child processes of this process."""
    return {child.pid for child in multiprocessing.active_children() if child.pid}


def status(process: int) -> list[str]:
    """The fields of its /proc/…/stat from the third on."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


async def stop(process: int) -> None:
    """Suspend a process, like a decoder that hangs."""
    os.kill(process, signal.SIGSTOP)
    await until(lambda: status(process)[0] == "T", PATIENCE)


def ticks_of(process: int) -> int:
    return int(status(process)[11])


def has_worked_since(process: int, ticks: int) -> bool:
    return ticks_of(process) > ticks


def has_ended(process: int) -> bool:
    """Whether a process has ended, also if nobody has read its exit status yet."""
    try:
        return status(process)[0] == "Z"
    except FileNotFoundError:
        return True


async def kill_workers() -> None:
    for process in worker_ids():
        os.kill(process, signal.SIGKILL)
    await until(lambda: not worker_ids(), PATIENCE)


async def suspended_at_work(work: Callable[[], Awaitable[object]]) -> tuple[set[int], list[asyncio.Task[object]]]:
    """Start `work` once for each process, and suspend all processes while they work."""
    spent = {process: ticks_of(process) for process in worker_ids()}
    tasks = [asyncio.ensure_future(work()) for _ in spent]
    for process, ticks in spent.items():
        await until(partial(has_worked_since, process, ticks), PATIENCE)
        await stop(process)
    assert not any(task.done() for task in tasks)
    return set(spent), tasks


@pytest.fixture
async def pool() -> AsyncIterator[CpuPool]:
    async with CpuPool(2, timeout=PATIENCE) as running:
        yield running


async def compressed_by(pool: CpuPool, original: bytes = ORIGINAL) -> int:
    """Compress in the pool, check the result, and return its size."""
    result, seconds = await pool.compress(original, HALF, MAX_PIXELS)
    assert result == compress(original, HALF, MAX_PIXELS)
    assert seconds > 0
    return len(result.data or b"")


async def test_results_equal_those_of_compress(pool: CpuPool) -> None:
    sizes = await asyncio.gather(*(compressed_by(pool) for _ in range(6)))

    assert set(sizes) == {sizes[0]}
    assert len(worker_ids()) == 2


@pytest.mark.parametrize("measured", [True, False])
async def test_ssim_is_measured_only_if_enabled(measured: bool) -> None:
    async with CpuPool(1, timeout=PATIENCE, measure_ssim=measured) as pool:
        result, _ = await pool.compress(ORIGINAL, HALF, MAX_PIXELS)

    assert result == compress(ORIGINAL, HALF, MAX_PIXELS, measure_ssim=measured)
    assert (result.ssim is not None) == measured


async def test_compress_errors_keep_their_code_and_detail(pool: CpuPool) -> None:
    with pytest.raises(CompressError) as caught:
        await pool.compress(b"%PDF-1.7", HALF, MAX_PIXELS)

    assert (caught.value.code, caught.value.detail) == (ErrorCode.UNSUPPORTED_FORMAT, "the file is a PDF document")


async def test_a_picture_that_cannot_be_decoded_costs_the_time_that_it_took(pool: CpuPool) -> None:
    with pytest.raises(CompressError) as caught:
        await pool.compress(LONG_WORK[: len(LONG_WORK) * 3 // 4], HALF, MAX_PIXELS)

    assert caught.value.code is ErrorCode.DECODE_ERROR
    assert caught.value.milliseconds > 0


@pytest.fixture
async def failing_pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CpuPool]:
    """One process, which fails for marked pictures."""
    monkeypatch.setattr(worker, "serve", fails_for_marked_pictures)
    async with CpuPool(1, timeout=PATIENCE) as running:
        yield running


def marked(mark: bytes) -> bytes:
    return encoded(a_picture(), "JPEG", comment=mark)


async def test_an_unexpected_exception_that_repeats_in_a_new_process_is_the_pictures(failing_pool: CpuPool) -> None:
    before, started_at = worker_ids(), time.monotonic()

    with pytest.raises(CompressError) as caught:
        await failing_pool.compress(marked(FAULTY), HALF, MAX_PIXELS)

    assert time.monotonic() - started_at < PATIENCE
    assert caught.value.code is ErrorCode.DECODE_ERROR
    assert caught.value.detail == "it cannot be processed: ZeroDivisionError: division by zero"
    assert caught.value.was_tried_twice
    assert worker_ids().isdisjoint(before)
    assert isinstance(caught.value.__cause__, UnexpectedFault)
    assert "broken_workers.py" in caught.value.__cause__.trace
    await compressed_by(failing_pool)


async def test_an_unexpected_exception_that_does_not_repeat_costs_the_picture_nothing(
    failing_pool: CpuPool, tmp_path: Path
) -> None:
    await compressed_by(failing_pool, marked(FAILS_ONCE + f"{tmp_path}/failed:".encode()))

    assert (tmp_path / "failed").exists()


async def test_the_time_of_the_first_process_counts_whatever_happens_in_the_second(
    failing_pool: CpuPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = iter(
        (WorkStopped(2), CompressError(ErrorCode.DECODE_TIMEOUT, "late"), (compress(ORIGINAL, HALF, MAX_PIXELS), 2.0))
    )

    async def first_faulty(*_: object) -> tuple[Compressed, float]:
        monkeypatch.setattr(worker.Worker, "run", then)
        raise UnexpectedFault("a fault", "", 3000)

    async def then(*_: object) -> tuple[Compressed, float]:
        monkeypatch.setattr(worker.Worker, "run", first_faulty)
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(worker.Worker, "run", first_faulty)

    with pytest.raises(WorkStopped) as stopped:
        await failing_pool.compress(ORIGINAL, HALF, MAX_PIXELS)
    with pytest.raises(CompressError) as late:
        await failing_pool.compress(ORIGINAL, HALF, MAX_PIXELS)
    _, seconds = await failing_pool.compress(ORIGINAL, HALF, MAX_PIXELS)

    assert stopped.value.seconds == 5
    assert late.value.milliseconds == 3000
    assert seconds == 5


@pytest.mark.parametrize("mark", [OUT_OF_MEMORY, NOT_INSTALLED, FULL_DISK])
async def test_a_fault_of_the_machine_is_not_the_pictures(failing_pool: CpuPool, mark: bytes) -> None:
    before = worker_ids()

    with pytest.raises(WorkerError):
        await failing_pool.compress(marked(mark), HALF, MAX_PIXELS)

    assert worker_ids() == before


async def test_other_pictures_wait_for_a_faulty_one_only_while_a_process_starts(failing_pool: CpuPool) -> None:
    faulty = [asyncio.create_task(failing_pool.compress(marked(FAULTY), HALF, MAX_PIXELS)) for _ in range(2)]

    await asyncio.wait_for(compressed_by(failing_pool), PATIENCE)

    for failed in await asyncio.gather(*faulty, return_exceptions=True):
        assert isinstance(failed, CompressError)


async def test_slow_work_that_others_wait_for_leaves_its_turn_and_is_stopped_if_the_slow_lane_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One usual process: the first picture moves, the second one is stopped, and the third one has its result."""
    monkeypatch.setattr("services.compressor.lanes.SLOW_SECONDS", 0.3)
    reported: list[str] = []
    async with CpuPool(1, timeout=PATIENCE) as pool:

        def of(name: str, original: bytes) -> asyncio.Task[tuple[Compressed, float]]:
            turn = Turn(name, on_slow=partial(reported.append, name))
            return asyncio.create_task(pool.compress(original, HALF, MAX_PIXELS, turn))

        [process] = worker_ids()
        first = of("first", LONG_WORK)
        await until(lambda: status(process)[0] == "R", PATIENCE)
        await stop(process)
        second = of("second", LONG_WORK)
        await until(lambda: len(worker_ids()) == 2, PATIENCE)
        [other] = worker_ids() - {process}
        await until(lambda: sum(each._is_working for each in pool._all_workers) == 2, PATIENCE, "it is ready")
        await stop(other)
        third = await of("third", ORIGINAL)
        assert third[0] == compress(ORIGINAL, HALF, MAX_PIXELS)
        with pytest.raises(WorkStopped) as stopped:
            await second
        assert stopped.value.seconds > 0
        assert reported[:2] == ["first", "second"]
        os.kill(process, signal.SIGCONT)
        assert (await first)[0] == compress(LONG_WORK, HALF, MAX_PIXELS)
        await until(lambda: process not in worker_ids(), PATIENCE, "the process of the slow picture ends with it")


async def test_slow_pictures_that_nobody_waits_for_are_reported_and_make_room_for_deliveries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One usual process: the first picture moves, the second one keeps its turn, and one of those behind it returns."""
    monkeypatch.setattr("services.compressor.lanes.SLOW_SECONDS", 0.3)
    monkeypatch.setattr(worker, "serve", busy_for_ever)
    reported: list[int] = []
    async with CpuPool(1, timeout=PATIENCE) as pool:
        turns = [Turn("same", on_slow=partial(reported.append, number)) for number in range(deliveries(1))]
        pictures = [asyncio.create_task(pool.compress(ORIGINAL, HALF, MAX_PIXELS, turn)) for turn in turns]
        with pytest.raises(WorkStopped) as returned:
            await pictures[-1]
        assert returned.value.seconds == 0
        assert reported == [0, 1, len(turns) - 1]
        assert not any(picture.done() for picture in pictures[:-1])
    await asyncio.gather(*pictures, return_exceptions=True)


async def test_a_picture_whose_process_has_to_start_is_not_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.compressor.lanes.SLOW_SECONDS", 1)
    reported: list[str] = []
    async with CpuPool(1, timeout=PATIENCE) as pool:
        await kill_workers()
        with monkeypatch.context() as patched:
            patched.setattr(worker, "serve", slow_start)
            await pool.compress(ORIGINAL, HALF, MAX_PIXELS, Turn("cold", on_slow=partial(reported.append, "cold")))
    assert reported == []


async def test_a_process_that_dies_loses_only_its_own_image(pool: CpuPool) -> None:
    processes, in_hand = await suspended_at_work(lambda: compressed_by(pool, LONG_WORK))
    waiting = [asyncio.create_task(compressed_by(pool)) for _ in range(2)]
    victim, survivor = processes

    os.kill(victim, signal.SIGKILL)
    os.kill(survivor, signal.SIGCONT)
    outcomes = await asyncio.gather(*in_hand, *waiting, return_exceptions=True)

    (lost,) = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert isinstance(lost, CompressError)
    assert lost.code is ErrorCode.DECODER_CRASHED
    assert "SIGKILL" in lost.detail
    assert lost in outcomes[:2]
    await asyncio.gather(*(compressed_by(pool) for _ in range(4)))
    assert len(worker_ids()) == 2


async def test_an_idle_process_that_dies_loses_no_image(pool: CpuPool) -> None:
    await compressed_by(pool)
    await kill_workers()

    await asyncio.gather(*(compressed_by(pool) for _ in range(4)))


async def test_a_process_that_hangs_is_killed_and_replaced() -> None:
    async with CpuPool(1, timeout=0.5) as pool:
        (hanging,) = worker_ids()
        await stop(hanging)

        with pytest.raises(CompressError) as caught:
            await pool.compress(ORIGINAL, HALF, MAX_PIXELS)

        assert (caught.value.code, caught.value.detail) == (ErrorCode.DECODE_TIMEOUT, "not compressed after 0.5 s")
        assert not caught.value.used_its_time, "the time that the process used before is not the picture's"
        await compressed_by(pool)
        assert worker_ids().isdisjoint({hanging})


async def test_a_late_picture_that_used_a_processor_is_at_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "serve", busy_for_ever)
    monkeypatch.setattr(worker, "BUSY_SHARE", 0.02)  # the tests' machine may be busy
    async with CpuPool(1, timeout=2) as pool:
        with pytest.raises(CompressError) as caught:
            await pool.compress(ORIGINAL, HALF, MAX_PIXELS)

    assert caught.value.code is ErrorCode.DECODE_TIMEOUT
    assert caught.value.used_its_time


async def test_a_process_that_hangs_before_it_has_a_large_picture_is_killed_and_replaced() -> None:
    """The picture exceeds the pipe's buffer, so handing it over waits for the process."""
    async with CpuPool(1, timeout=0.5) as pool:
        (hanging,) = worker_ids()
        await stop(hanging)

        with pytest.raises(CompressError) as caught:
            await asyncio.wait_for(pool.compress(LARGE, HALF, MAX_PIXELS), PATIENCE)

        assert caught.value.code is ErrorCode.DECODE_TIMEOUT
        await compressed_by(pool)
        assert worker_ids().isdisjoint({hanging})


async def test_a_process_that_hangs_in_the_middle_of_its_answer_is_killed_and_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(worker, "serve", answer_half)
        async with CpuPool(1, timeout=0.5) as pool:
            with pytest.raises(CompressError) as caught:
                await asyncio.wait_for(pool.compress(ORIGINAL, HALF, MAX_PIXELS), PATIENCE)
            assert caught.value.code is ErrorCode.DECODE_TIMEOUT

            patched.undo()
            await compressed_by(pool)


async def test_a_process_that_hangs_at_its_start_is_no_fault_of_the_image(
    pool: CpuPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_START_SECONDS", 0.5)
    with monkeypatch.context() as patched:
        patched.setattr(worker, "serve", never_ready)
        await kill_workers()

        for attempt in (pool.compress(ORIGINAL, HALF, MAX_PIXELS), pool.ping()):
            with pytest.raises(EncoderUnavailable):
                await asyncio.wait_for(attempt, PATIENCE)

    monkeypatch.setattr(worker, "_START_SECONDS", PATIENCE)
    await pool.ping()
    await asyncio.gather(*(compressed_by(pool) for _ in range(4)))


async def test_closing_does_not_wait_for_a_process_that_hangs_at_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with CpuPool(1, timeout=PATIENCE) as pool:
        monkeypatch.setattr(worker, "serve", never_ready)
        await kill_workers()
        waiting = [asyncio.create_task(pool.compress(ORIGINAL, HALF, MAX_PIXELS)) for _ in range(2)]
        await until(lambda: bool(worker_ids()), PATIENCE)
        started_at = time.monotonic()

    assert time.monotonic() - started_at < PATIENCE / 2
    assert not worker_ids()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_cancellation_discards_the_result_and_keeps_the_process(pool: CpuPool) -> None:
    processes, abandoned = await suspended_at_work(lambda: compressed_by(pool, LONG_WORK))
    for task in abandoned:
        task.cancel()
    await asyncio.wait(abandoned)
    for process in processes:
        os.kill(process, signal.SIGCONT)

    await asyncio.gather(*(compressed_by(pool) for _ in range(4)))
    assert worker_ids() == processes


async def test_an_error_that_no_caller_waits_for_is_not_logged(pool: CpuPool) -> None:
    problems: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))
    processes, abandoned = await suspended_at_work(lambda: compressed_by(pool, LONG_WORK))
    assert all(task.cancel() for task in abandoned)
    await asyncio.wait(abandoned)
    abandoned.clear()  # their tracebacks hold the pool's tasks, which would be logged only when they are freed
    for process in processes:
        os.kill(process, signal.SIGKILL)
    await until(lambda: not pool._tasks, PATIENCE)
    gc.collect()
    assert not problems


async def test_workers_ignore_signals_to_the_process_group(pool: CpuPool) -> None:
    for process in worker_ids():
        os.kill(process, signal.SIGINT)
        os.kill(process, signal.SIGTERM)

    await asyncio.gather(*(compressed_by(pool) for _ in range(4)))


async def test_closing_leaves_no_process_even_if_all_hang() -> None:
    async with CpuPool(2, timeout=PATIENCE) as pool:
        _, in_hand = await suspended_at_work(lambda: compressed_by(pool, LONG_WORK))
        started_at = time.monotonic()

    assert not worker_ids()
    assert time.monotonic() - started_at < PATIENCE / 2
    await asyncio.gather(*in_hand, return_exceptions=True)


_KILLED_SERVICE = """
import asyncio, multiprocessing, signal, os
from services.compressor.cpu_pool import CpuPool

async def main():
    async with CpuPool(2, timeout=60):
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_workers_exit_when_the_service_is_killed() -> None:
    service = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED_SERVICE, stdout=subprocess.PIPE)
    output, _ = await service.communicate()
    processes = [int(process) for process in output.split()]

    assert len(processes) == 2
    await until(lambda: all(has_ended(process) for process in processes), PATIENCE)


def test_usable_cores_is_at_most_the_number_of_cores() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


async def test_a_stop_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "serve", never_ready)
    stopped = asyncio.Event()
    asyncio.get_running_loop().call_later(0.5, stopped.set)
    started_at = time.monotonic()
    with pytest.raises(StoppedWhileStarting):
        async with CpuPool(2, PATIENCE, stopped):
            pass
    assert time.monotonic() - started_at < PATIENCE / 2
    assert not worker_ids()


async def test_an_image_that_waits_for_a_process_is_not_hung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.long_lived._PROGRESS_SECONDS", 0.05)
    async with CpuPool(1, 2) as pool:
        (hanging,) = worker_ids()
        await stop(hanging)
        hung = asyncio.create_task(pool.compress(ORIGINAL, HALF, MAX_PIXELS))
        await asyncio.sleep(0)
        beats = 0

        def beat() -> None:
            nonlocal beats
            beats += 1

        with progress_is(beat):
            waiting = asyncio.create_task(pool.compress(ORIGINAL, HALF, MAX_PIXELS))
        await until(lambda: beats >= 5, PATIENCE)
        assert not hung.done()
        with pytest.raises(CompressError):
            await hung
        await waiting
