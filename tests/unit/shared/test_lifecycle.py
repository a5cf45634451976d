"""How a process ends: its exit status, and its last log line."""

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from tests.support.tree import ROOT

SCRIPT = """
import asyncio, signal, threading, os, time
from shared import lifecycle
from shared.long_lived import EndedUnasked, Stalled, lasting
from shared.observability import Health, configure_logging, watchdog

lifecycle._EXIT_SECONDS = 1
configure_logging("test")

async def main(stop):
{body}

lifecycle.run(main)
"""


def ended(body: str) -> tuple[int, dict[str, Any]]:
    """The exit status of a process with this `main`, and its last log line."""
    script = SCRIPT.format(body=textwrap.indent(textwrap.dedent(body), "    "))
    command = [sys.executable, "-c", script]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=30, check=False)  # noqa: S603 - ourselves
    lines = process.stderr.decode().splitlines()
    return process.returncode, json.loads(lines[-1]) if lines else {}


def test_a_process_that_was_asked_to_stop_exits_with_0() -> None:
    status, _ = ended("os.kill(os.getpid(), signal.SIGTERM); await stop.wait()")
    assert status == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise Stalled('consuming q: no session')", "consuming q: no session"),
        ("raise ZeroDivisionError('a bug')", "ZeroDivisionError('a bug')"),
        (
            """
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(lasting("the loop", asyncio.sleep(0), stop))
            """,
            "the loop ended before the process was asked to stop",
        ),
        ("raise asyncio.CancelledError", "CancelledError()"),
    ],
    ids=["stalled", "a bug", "a loop ended", "cancelled by a library"],
)
def test_a_process_that_cannot_go_on_exits_with_1_and_says_why_in_its_last_line(body: str, reason: str) -> None:
    status, last = ended(body)
    assert status == 1
    assert (last["message"], last["level"], last["reason"]) == ("process_failed", "critical", reason)


@pytest.mark.parametrize(("failure", "expected"), [("", 0), ("\nraise Stalled('x')", 1)])
def test_what_hangs_after_main_does_not_keep_the_process(failure: str, expected: int) -> None:
    status, last = ended(f"asyncio.get_running_loop().run_in_executor(None, time.sleep, 60){failure}")
    assert status == expected
    assert last["message"] == "exit_took_too_long"


def test_the_watchdog_ends_a_process_whose_event_loop_is_blocked() -> None:
    status, last = ended(
        """
        with watchdog(Health(stall_timeout=1.5)):
            time.sleep(60)
        """
    )
    assert status == 1
    assert last["message"] == "process_stalled"
    assert list(last["silent_seconds"]) == ["the event loop"]


def test_the_watchdog_ends_a_process_with_a_stalled_loop() -> None:
    status, last = ended(
        """
        health = Health(stall_timeout=1.5)
        with watchdog(health), health.loop("dispatch"), health.loop("sweep", allowance=60):
            await asyncio.Event().wait()
        """
    )
    assert status == 1
    assert last["message"] == "process_stalled"
    assert list(last["silent_seconds"]) == ["dispatch"]


def test_the_watchdog_does_not_end_a_working_process() -> None:
    status, _ = ended(
        """
        health = Health(stall_timeout=3)
        with watchdog(health), health.loop("dispatch") as beat:
            for _ in range(20):
                beat()
                await asyncio.sleep(0.2)
        """
    )
    assert status == 0


def test_a_pause_of_the_whole_process_is_no_stall() -> None:
    status, _ = ended(
        """
        from shared.observability import stall_watchdog
        stall_watchdog._PAUSE_SECONDS = 2.0
        health = Health(stall_timeout=2.5)
        with watchdog(health):
            resume = f"import os, signal, time; time.sleep(4); os.kill({os.getpid()}, signal.SIGCONT)"
            import subprocess, sys
            waker = subprocess.Popen([sys.executable, "-c", resume])
            await asyncio.sleep(1.2)
            os.kill(os.getpid(), signal.SIGSTOP)
            await asyncio.sleep(1.5)
            waker.wait()
        """
    )
    assert status == 0
