"""The database, the object store and the clock in memory, for unit tests. Tests import the names below.

MemoryDatabase and MemoryObjectStore pass the contract suites of the real ones.
"""

from tests.fakes.clock import MovableClock
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_object_store import MemoryObjectStore
from tests.fakes.memory_tables import OutputsRow, RequestRow

__all__ = ["MemoryDatabase", "MemoryObjectStore", "MovableClock", "OutputsRow", "RequestRow"]
