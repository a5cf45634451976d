"""The states of requests and images, and which of them are terminal."""

from enum import StrEnum


class RequestStatus(StrEnum):
    """The values that the API uses. Completed: every image is compressed or failed, at least one is compressed."""

    PENDING = "Pending"
    COMPLETED = "Completed"
    FAILED = "Failed"


class ImageState(StrEnum):
    PENDING = "pending"  # waits in the database, perhaps until its not_before
    DISPATCHED = "dispatched"  # its command is in the broker or a worker has it
    COMPRESSED = "compressed"
    FAILED = "failed"


OPEN_STATES = (ImageState.PENDING, ImageState.DISPATCHED)
TERMINAL_STATES = (ImageState.COMPRESSED, ImageState.FAILED)
