"""What the driver raises, in our words."""

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
_NOT_LET_IN = (13, 18)  # Unauthorized, AuthenticationFailed: no fault of the message at hand
_OUTAGES = (ConnectionFailure, ExecutionTimeout, NotPrimaryError, WaitQueueTimeoutError, WTimeoutError)


@contextmanager
def database_faults() -> Iterator[None]:
    """Raises DatabaseUnavailable for outages, time-outs and refused access; a query that is wrong stays what it is."""
    try:
        yield
    except _OUTAGES as error:
        raise DatabaseUnavailable(f"MongoDB does not answer: {error}") from error
    except BulkWriteError as error:
        if error.details.get("writeConcernErrors") and not error.details.get("writeErrors"):
            raise DatabaseUnavailable(f"MongoDB did not make a write durable in time: {error}") from error
        raise
    except OperationFailure as error:
        if error.code in _NOT_LET_IN:
            raise DatabaseUnavailable(f"MongoDB does not let us in: {error}") from error
        if error.has_error_label("RetryableWriteError") or error.has_error_label("TransientTransactionError"):
            raise DatabaseUnavailable(f"MongoDB changes its primary: {error}") from error
        raise


@contextmanager
def duplicates_ignored() -> Iterator[None]:
    """Inserting what is there already changes nothing and is no error."""
    try:
        yield
    except BulkWriteError as error:
        if error.details.get("writeConcernErrors"):
            raise DatabaseUnavailable(f"MongoDB did not make a write durable in time: {error}") from error
        if any(fault["code"] != _DUPLICATE_KEY for fault in error.details["writeErrors"]):
            raise
