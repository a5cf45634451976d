"""The exceptions that more than one package raises or handles.

DependencyUnavailable    our own store, database, broker, disk or machine fails: images wait; none fails for it
├── StorageUnavailable
├── DatabaseUnavailable
├── BrokerUnavailable
├── DiskUnavailable      temporary files cannot be written
└── EncoderUnavailable   the compressor's worker processes do not start
ObjectMissing            the store has no object under a key
UnreadableRecord         a record of the database was written by a version whose values this one does not know
StoppedWhileStarting     the process was stopped before its dependencies answered
"""


class DependencyUnavailable(Exception):
    """A dependency does not answer. Work that needs it is held and retried once a ping of `dependency` succeeds."""

    dependency: str = "unknown"


class StorageUnavailable(DependencyUnavailable):
    dependency = "storage"


class DatabaseUnavailable(DependencyUnavailable):
    dependency = "database"


class BrokerUnavailable(DependencyUnavailable):
    dependency = "broker"


class DiskUnavailable(DependencyUnavailable):
    dependency = "disk"


class EncoderUnavailable(DependencyUnavailable):
    dependency = "encoder"


class ObjectMissing(Exception):
    """No object is stored under `key`."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no object {key!r} in the store")
        self.key = key


class UnreadableRecord(Exception):
    """This version cannot read the record `record_id` of `collection`. Nothing else is affected."""

    def __init__(self, collection: str, record_id: str, reason: str) -> None:
        super().__init__(f"the record {record_id!r} of {collection} cannot be read: {reason}")
        self.collection = collection
        self.record_id = record_id
        self.reason = reason


class StoppedWhileStarting(Exception):
    """The process was asked to stop while it waited for a dependency. It exits as after a normal stop."""
