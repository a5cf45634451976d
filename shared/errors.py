"""The errors that every room speaks of.

DependencyUnavailable                 our own store, database or broker did not answer: delays images, never fails them
  StorageUnavailable
  DatabaseUnavailable
  BrokerUnavailable
ObjectMissing            an object that should be in the store is not
"""


class DependencyUnavailable(Exception):
    """A dependency of ours failed; the consumer holds its message and retries once a probe of it succeeds."""

    dependency: str = "unknown"


class StorageUnavailable(DependencyUnavailable):
    dependency = "storage"


class DatabaseUnavailable(DependencyUnavailable):
    dependency = "database"


class BrokerUnavailable(DependencyUnavailable):
    dependency = "broker"


class ObjectMissing(Exception):
    """No object is stored under `key`."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no object {key!r} in the store")
        self.key = key


class StoppedWhileStarting(Exception):
    """The process was asked to stop while it waited for a dependency; it ends as if it had drained."""
