"""Outages in a list."""

from datetime import timedelta

from shared.contracts.records import Outage
from shared.persistence.repositories import MAX_OUTAGES
from tests.fakes.memory_tables import Tables


class MemoryOutages:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def observe(self, *, working: bool, longer_than: timedelta) -> list[Outage]:
        self._tables.answer()
        now, tables = self._tables.clock(), self._tables
        lasts = tables.worked_at is not None and now - tables.worked_at > longer_than
        current = [Outage(tables.worked_at, now)] if lasts and tables.worked_at else []
        if not working:
            return [*tables.outages, *current]
        tables.worked_at = max(now, tables.worked_at or now)
        tables.outages = [*tables.outages, *current][-MAX_OUTAGES:]
        return list(tables.outages)
