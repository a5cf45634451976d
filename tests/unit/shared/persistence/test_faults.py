"""Which of the driver's errors are outages, and which are errors in the code."""

from typing import Any

import pytest
from pymongo import errors

from shared.errors import DatabaseUnavailable
from shared.persistence.faults import database_faults, duplicates_ignored

DUPLICATE = {"index": 0, "code": 11000, "errmsg": "E11000 duplicate key"}
TOO_LARGE = {"index": 1, "code": 10334, "errmsg": "the document is too large"}
STEPPED_DOWN = {"index": 2, "code": 189, "errmsg": "the primary stepped down"}
NO_SPACE = {"index": 3, "code": 14031, "errmsg": "no space left"}
NOT_DURABLE = {"code": 64, "errmsg": "waiting for replication timed out"}


def _bulk_error(writes: list[dict[str, Any]], concerns: list[dict[str, Any]]) -> errors.BulkWriteError:
    return errors.BulkWriteError({"writeErrors": writes, "writeConcernErrors": concerns})


def _labelled(label: str) -> errors.OperationFailure:
    return errors.OperationFailure("try again", 11602, {"errorLabels": [label]})


@pytest.mark.parametrize(
    "error",
    [
        errors.AutoReconnect("connection closed"),
        errors.ConnectionFailure("refused"),
        errors.NetworkTimeout("timed out"),
        errors.NotPrimaryError("not primary"),
        errors.ServerSelectionTimeoutError("no server"),
        errors.WaitQueueTimeoutError("no connection free"),
        errors.WTimeoutError("waiting for replication timed out"),
        errors.ExecutionTimeout("operation exceeded time limit", 50),
        errors.OperationFailure("not authorized", 13),
        errors.OperationFailure("authentication failed", 18),
        errors.OperationFailure("available disk space is less than required", 14031),
        errors.OperationFailure("error writing to a file: no space left on device", 39),
        errors.OperationFailure("the primary stepped down", 189),
        errors.OperationFailure("not primary", 13435),
        errors.WriteError("interrupted at shutdown", 11600),
        _bulk_error([STEPPED_DOWN], []),
        _bulk_error([TOO_LARGE, NO_SPACE], [NOT_DURABLE]),
        _labelled("RetryableWriteError"),
        _labelled("TransientTransactionError"),
        _bulk_error([], [NOT_DURABLE]),
    ],
    ids=repr,
)
def test_an_outage_raises_database_unavailable(error: errors.PyMongoError) -> None:
    with pytest.raises(DatabaseUnavailable) as raised, database_faults():
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        errors.DuplicateKeyError("E11000", 11000),
        errors.OperationFailure("unknown operator: $wrong", 2),
        errors.InvalidOperation("cannot do that"),
        _bulk_error([TOO_LARGE], []),
        _bulk_error([TOO_LARGE], [NOT_DURABLE]),
        ValueError("a bug"),
    ],
    ids=repr,
)
def test_other_errors_pass_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, database_faults():
        raise error
    assert raised.value is error


def test_inserting_an_existing_document_is_no_error() -> None:
    with database_faults(), duplicates_ignored():
        raise _bulk_error([DUPLICATE, DUPLICATE], [])


def test_any_other_failed_insert_is_an_error() -> None:
    with pytest.raises(errors.BulkWriteError), database_faults(), duplicates_ignored():
        raise _bulk_error([DUPLICATE, TOO_LARGE], [])


def test_an_insert_that_finds_no_space_is_an_outage() -> None:
    with pytest.raises(DatabaseUnavailable), database_faults(), duplicates_ignored():
        raise _bulk_error([DUPLICATE, NO_SPACE], [])


def test_inserting_an_existing_document_that_is_not_durable_is_an_outage() -> None:
    with pytest.raises(DatabaseUnavailable), database_faults(), duplicates_ignored():
        raise _bulk_error([DUPLICATE], [NOT_DURABLE])
