"""Translates the driver's errors into the project's."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    NotPrimaryError,
    OperationFailure,
    WaitQueueTimeoutError,
    WTimeoutError,
)

from shared.errors import DatabaseUnavailable

_DUPLICATE_KEY = 11000
_NO_ACCESS = (13, 18)  # Unauthorized, AuthenticationFailed: an operator's mistake, not a bad query
_OUTAGES = (ConnectionFailure, ExecutionTimeout, NotPrimaryError, WaitQueueTimeoutError, WTimeoutError)


@contextmanager
def database_faults() -> Iterator[None]:
    """Raises DatabaseUnavailable for outages, timeouts and refused access; errors in a query pass unchanged."""
    try:
        yield
    except _OUTAGES as error:
        raise DatabaseUnavailable(f"MongoDB does not answer: {error}") from error
    except BulkWriteError as error:
        if error.details.get("writeConcernErrors") and not error.details.get("writeErrors"):
            raise DatabaseUnavailable(f"MongoDB did not make a write durable in time: {error}") from error
        raise
    except OperationFailure as error:
        if error.code in _NO_ACCESS:
            raise DatabaseUnavailable(f"MongoDB refused access: {error}") from error
        if error.has_error_label("RetryableWriteError") or error.has_error_label("TransientTransactionError"):
            raise DatabaseUnavailable(f"MongoDB is electing a primary: {error}") from error
        raise


@contextmanager
def duplicates_ignored() -> Iterator[None]:
    """For inserts that may be repeated: a document that exists already is not an error and stays as it is."""
    try:
        yield
    except BulkWriteError as error:
        if error.details.get("writeConcernErrors"):
            raise DatabaseUnavailable(f"MongoDB did not make a write durable in time: {error}") from error
        if any(fault["code"] != _DUPLICATE_KEY for fault in error.details["writeErrors"]):
            raise
