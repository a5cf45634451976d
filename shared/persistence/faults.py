"""Translates the driver's errors into the project's."""

from collections.abc import Collection, Iterator
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
_NO_ACCESS = frozenset({13, 18})  # Unauthorized, AuthenticationFailed: an operator's mistake, not a bad query
_OUT_OF_SPACE = frozenset(
    {
        39,  # FileStreamFailed: a sort could not write its temporary file
        14031,  # OutOfDiskSpace
    }
)
_OUTAGE_CODES = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        64,  # WriteConcernTimeout
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        133,  # FailedToSatisfyReadPreference
        134,  # ReadConcernMajorityNotAvailableYet
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        262,  # ExceededTimeLimit
        9001,  # SocketException
        10058,  # LegacyNotPrimary
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)
"""The driver translates some of them in the answer to a command, but none in the results of single writes of a bulk."""
_OUTAGES = (ConnectionFailure, ExecutionTimeout, NotPrimaryError, WaitQueueTimeoutError, WTimeoutError)


@contextmanager
def database_faults() -> Iterator[None]:
    """Raises DatabaseUnavailable for outages, timeouts and refused access; errors in a query pass unchanged."""
    try:
        yield
    except _OUTAGES as error:
        raise DatabaseUnavailable(f"MongoDB does not answer: {error}") from error
    except BulkWriteError as error:
        faults = error.details.get("writeErrors", [])
        if error.details.get("writeConcernErrors") and not faults:
            raise DatabaseUnavailable(f"MongoDB did not make a write durable in time: {error}") from error
        _raise_outage({fault["code"] for fault in faults}, error)
        raise
    except OperationFailure as error:
        _raise_outage({error.code}, error)
        if error.has_error_label("RetryableWriteError") or error.has_error_label("TransientTransactionError"):
            raise DatabaseUnavailable(f"MongoDB is electing a primary: {error}") from error
        raise


def _raise_outage(codes: Collection[int | None], error: OperationFailure) -> None:
    """Raise DatabaseUnavailable if one of the error's codes says that the operation can succeed later."""
    for of_kind, text in ((_NO_ACCESS, "refused access"), (_OUT_OF_SPACE, "has no space"), (_OUTAGE_CODES, "failed")):
        if not of_kind.isdisjoint(codes):
            raise DatabaseUnavailable(f"MongoDB {text}: {error}") from error


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
