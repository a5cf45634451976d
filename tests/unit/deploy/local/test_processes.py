import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.processes import Process, ProcessDied, end_leftovers, living, spawn
from deploy.local.waiting import wait_until

FOREVER = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + FOREVER
# Like a daemon: the child of an ended child, in its own session.
DAEMON = f"import os, sys; os.fork() and sys.exit(); os.setsid(); os.fork() and os._exit(0); {FOREVER}"


def start(home: Path, program: str, name: str = "program") -> Process:
    return spawn(name, [sys.executable, "-c", program], os.environ, home, home)


async def is_up(process: Process) -> bool:
    return await wait_until(lambda: "up" in process.log.read_text(), 10)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    yield tmp_path
    await end_leftovers(tmp_path, 0)


async def test_a_process_is_stopped_with_sigterm(home: Path) -> None:
    process = start(home, FOREVER)
    assert await is_up(process)
    assert await process.stop(within=10) == -signal.SIGTERM


async def test_a_process_that_ignores_sigterm_is_killed(home: Path) -> None:
    process = start(home, DEAF)
    assert await is_up(process)
    assert await process.stop(within=0.1) == -signal.SIGKILL


async def test_a_process_runs_in_its_own_session(home: Path) -> None:
    process = start(home, FOREVER)
    assert os.getsid(process.popen.pid) == process.popen.pid
    await process.stop(within=10)


async def test_a_dead_process_is_reported_with_the_end_of_its_log(home: Path) -> None:
    process = start(home, "raise SystemExit('no such option')")
    with pytest.raises(ProcessDied, match=r"program ended by itself with status 1.*\n.*no such option"):
        await process.ready(lambda: False, within=10)


async def test_a_process_that_does_not_become_ready_is_a_fault(home: Path) -> None:
    process = start(home, FOREVER)
    assert await is_up(process)
    with pytest.raises(ProcessDied, match=r"program was not ready in 0 s.*\nup"):
        await process.ready(lambda: False, within=0)
    await process.stop(within=10)


@pytest.mark.parametrize("program", [FOREVER, DEAF, DAEMON])
async def test_leftovers_are_found_and_ended_without_their_parent(home: Path, program: str) -> None:
    process = start(home, program)
    assert await is_up(process)
    assert await wait_until(lambda: len(list(living(home))) == 1, 10), "a daemon's parents end soon after its start"
    assert await end_leftovers(home, within=0.5) == 1
    assert not list(living(home))
    process.popen.wait()


async def test_processes_of_another_stack_are_not_touched(home: Path) -> None:
    neighbour = home / "neighbour"
    neighbour.mkdir()
    process = start(neighbour, FOREVER)
    assert await is_up(process)
    assert await end_leftovers(home, within=1) == 0
    assert list(living(neighbour)) == [process.popen.pid]
    await process.stop(within=10)


async def test_named_processes_can_be_spared(home: Path) -> None:
    server = start(home, FOREVER, "mongodb")
    service = start(home, FOREVER, "gateway-0")
    assert await is_up(server)
    assert await is_up(service)
    assert await end_leftovers(home, within=5, but=["mongodb"]) == 1
    # The kernel frees a process's environment, by which it is found, slightly before its status can be read.
    assert await wait_until(lambda: not service.alive, 10)
    assert server.alive
    await server.stop(within=10)
