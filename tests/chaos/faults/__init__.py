"""All kinds of faults. Each is injected, lasts for a while and is removed."""

from tests.chaos.faults.broker import BROKER, BROKER_FAULTS, UNCONFIRMED_FAULT
from tests.chaos.faults.database import DATABASE_FAULTS
from tests.chaos.faults.fault import Database, Fault
from tests.chaos.faults.messages import MESSAGE_FAULTS
from tests.chaos.faults.processes import PROCESS_FAULTS
from tests.chaos.faults.store import STORE_FAULTS

FAULTS = {
    fault.name: fault for fault in (*PROCESS_FAULTS, *BROKER_FAULTS, *DATABASE_FAULTS, *STORE_FAULTS, *MESSAGE_FAULTS)
}

__all__ = ["BROKER", "FAULTS", "UNCONFIRMED_FAULT", "Database", "Fault"]
