"""What all messages have in common, and what all messages about one image contain."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.bounds import Id, Ordinal


class Message(BaseModel):
    """One message on `imagemill.commands`; its type on the wire is the name of its class."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ImageMessage(Message):
    """What every message about one image contains."""

    request_id: Id = Field(description="The request's ULID.")
    image_id: Id = Field(description="Unique within its request; see object_keys.image_id.")
    round: Ordinal = Field(description="1, and one more for each retry of a finished request.")
    dispatch: Ordinal = Field(
        description="Number of this run through the workers. A deferral of an earlier dispatch is ignored.",
    )
    attempt: Ordinal = Field(
        description="1 for the first. A run whose deferral does not count (`counts` is false) is not an attempt.",
    )


def moment(seconds: float | None, absolute: datetime | None, now: datetime) -> datetime | None:
    """The time that a message names: `seconds` after now, or the `absolute` one of a sender of an earlier version."""
    return absolute if seconds is None else now + timedelta(seconds=seconds)


def about(command: ImageMessage) -> dict[str, Any]:
    """The fields by which an answer to `command` names its image, round, dispatch and attempt."""
    return {name: getattr(command, name) for name in ImageMessage.model_fields}
