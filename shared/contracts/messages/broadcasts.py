"""Messages that every process of a kind receives."""

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.bounds import Id, Ordinal, Seconds
from shared.contracts.messages.base import Message


class RoundToDrop(BaseModel):
    """A round of a request, which was cancelled."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    request_id: Id = Field(description="The request's ULID.")
    round: Ordinal = Field(description="The cancelled round.")
    seconds: Seconds = Field(description="How long its commands can still be in the broker or in a worker.")


class DropRounds(Message):
    """Drop the commands for images of these rounds, which were cancelled. Broadcast again until none can be left."""

    rounds: tuple[RoundToDrop, ...] = Field(max_length=1_000, description="Recently cancelled rounds.")
