"""The states of requests and images, and which of them are ends."""

from enum import StrEnum


class RequestStatus(StrEnum):
    """As the API spells them. Completed: every image reached its end and at least one was compressed."""

    PENDING = "Pending"
    COMPLETED = "Completed"
    FAILED = "Failed"


class ImageState(StrEnum):
    PENDING = "pending"  # waits in the database, perhaps until its not_before
    DISPATCHED = "dispatched"  # its command is in the broker or with a worker
    COMPRESSED = "compressed"
    FAILED = "failed"


OPEN_STATES = (ImageState.PENDING, ImageState.DISPATCHED)
END_STATES = (ImageState.COMPRESSED, ImageState.FAILED)
