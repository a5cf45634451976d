"""How the kernel schedules our processes beside each other."""

import os
from contextlib import suppress


def do_not_preempt(pid: int = 0) -> None:
    """Let a process wait for its turn when it wakes up, instead of interrupting the process that runs.

    pid: of the process; 0 is the caller. Its later threads and children inherit this, its other threads do not. A
    policy that an operator has chosen is kept.

    Each message wakes several processes for some microseconds of work. If each of them interrupts a picture's encoder,
    the cores switch twice as often, with cold caches, and batches stay small. SCHED_BATCH delays a process on busy
    cores by a few milliseconds, and on idle ones not at all. See sched(7).
    """
    if hasattr(os, "SCHED_BATCH"):  # only Linux has it
        with suppress(OSError):  # a sandbox may forbid it, and the process may have ended
            if os.sched_getscheduler(pid) == os.SCHED_OTHER:
                os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))
