"""A process of ours does not interrupt the one that runs."""

import os
import subprocess
import sys

import pytest

from shared.scheduling import do_not_preempt
from tests.support.tree import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has SCHED_BATCH")

SERVICE = """
import os, threading
from shared import lifecycle

async def main(stop):
    thread = threading.Thread(target=lambda: print(os.sched_getscheduler(threading.get_native_id())))
    thread.start()
    thread.join()

lifecycle.run(main)
"""


def test_the_threads_of_a_service_wait_for_their_turn() -> None:
    command = [sys.executable, "-c", SERVICE]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=30, check=True).stdout  # noqa: S603 - ours
    assert int(printed) == os.SCHED_BATCH


def test_another_process_can_be_made_to_wait_and_its_end_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        do_not_preempt(process.pid)
        assert os.sched_getscheduler(process.pid) == os.SCHED_BATCH
        process.communicate(b"\n")
    do_not_preempt(process.pid)
