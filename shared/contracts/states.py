"""The states of requests and images, and which of them are terminal."""

from enum import StrEnum


class RequestStatus(StrEnum):
    """The values that the API uses. Completed: every row was read and every image is compressed or failed, at least one
    compressed.

    Cancelled: a client cancelled the round, and at least one image was not processed because of it.
    """

    PENDING = "Pending"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class RequestError(StrEnum):
    """Why rows of a request could not be read after it was accepted. They have no images and are in no output."""

    UPLOAD_LOST = "upload_lost"  # the object store no longer has the upload
    UPLOAD_UNREADABLE = "upload_unreadable"  # the stored upload ends in the middle, or is damaged


class ImageState(StrEnum):
    PENDING = "pending"  # waits in the database, perhaps until its not_before
    DISPATCHED = "dispatched"  # its command is in the broker or a worker has it
    COMPRESSED = "compressed"
    FAILED = "failed"
    CANCELLED = "cancelled"  # its request was cancelled before it had a result


OPEN_STATES = (ImageState.PENDING, ImageState.DISPATCHED)
TERMINAL_STATES = (ImageState.COMPRESSED, ImageState.FAILED, ImageState.CANCELLED)
EVENT_STATES = (ImageState.COMPRESSED, ImageState.FAILED)
"""There is a public event for an image that reaches one of these."""
RETRIED_STATES = (ImageState.FAILED, ImageState.CANCELLED)
"""A retry processes images in these states again, unless their URL is invalid."""
