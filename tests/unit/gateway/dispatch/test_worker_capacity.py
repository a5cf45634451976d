"""The slots of all workers that are alive."""

from services.gateway.dispatch.worker_capacity import ALIVE_SECONDS, WorkerCapacity


def test_the_slots_of_all_processes_count_while_they_report() -> None:
    capacity = WorkerCapacity()
    assert capacity.slots(0) is None
    capacity.reported("a", 128, now=0)
    capacity.reported("b", 64, now=3)
    assert capacity.slots(ALIVE_SECONDS) == 192
    assert capacity.slots(ALIVE_SECONDS + 1) == 64
    assert capacity.slots(ALIVE_SECONDS + 4) is None


def test_the_last_report_of_a_process_counts() -> None:
    capacity = WorkerCapacity()
    capacity.reported("a", 128, now=0)
    capacity.reported("a", 32, now=1)
    assert capacity.slots(1) == 32
