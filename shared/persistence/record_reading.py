"""Reading records from documents that this or another version wrote.

Fields that this version does not know are ignored, missing ones have their default, renamed ones are found. A record
that still cannot be read, for example because its status is unknown, is set aside: it is logged and counted once, and
affects no other record.
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from shared.errors import UnreadableRecord
from shared.observability import Metrics
from shared.persistence.documents import Document

Record = TypeVar("Record")

_MAX_REPORTED = 10_000  # records remembered as reported; beyond them, one may be reported again
_MAX_REASONS = 3

log = structlog.get_logger(__name__)


class SetAside:
    """Reports records that cannot be read: each once, however often it is read."""

    def __init__(self, metrics: Metrics | None) -> None:
        self._metrics = metrics
        self._reported: set[tuple[str, str]] = set()

    def report(self, record: UnreadableRecord) -> None:
        key = (record.collection, record.record_id)
        if key in self._reported:
            return
        if len(self._reported) >= _MAX_REPORTED:
            self._reported.clear()
        self._reported.add(key)
        log.error("record_set_aside", collection=record.collection, record_id=record.record_id, reason=record.reason)
        if self._metrics is not None:
            self._metrics.unreadable_records.labels(collection=record.collection).inc()


class RecordReader(Generic[Record]):
    """Reads the records of one collection."""

    def __init__(
        self,
        collection: str,
        type_: type[Record],
        set_aside: SetAside,
        fields: Callable[[Document], Document],
    ) -> None:
        """fields: returns the record's fields, and maybe others, from a document of this or an earlier version."""
        self._collection = collection
        self._adapter = TypeAdapter(type_)
        self._set_aside = set_aside
        self._fields = fields

    def read(self, document: Document) -> Record:
        """Raises UnreadableRecord, which is reported."""
        try:
            return self._adapter.validate_python(self._fields(document))
        except ValidationError as error:
            raise self.unreadable(document["_id"], _reason(error)) from None

    def read_some(self, documents: Iterable[Document]) -> list[Record]:
        """The records that can be read; the others are reported."""
        records = []
        for document in documents:
            try:
                records.append(self.read(document))
            except UnreadableRecord:
                continue
        return records

    def unreadable(self, record_id: str, reason: str) -> UnreadableRecord:
        """An exception for a record of this collection; it is reported."""
        error = UnreadableRecord(self._collection, record_id, reason)
        self._set_aside.report(error)
        return error


def _reason(error: ValidationError) -> str:
    """Without the values: URLs may carry tokens."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)[:_MAX_REASONS]
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
