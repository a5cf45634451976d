"""Replacing the connection of single events while the broker refuses new connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiormq import Channel

from shared.errors import BrokerUnavailable
from shared.messaging import event_link
from shared.messaging.connection import Connection


class FakeConnection:
    is_closed = False
    aborted = False

    def abort(self) -> None:
        self.aborted = True


async def test_a_failed_replacement_closes_no_channel_that_still_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_link, "CHANNELS_PER_CONNECTION", 1)
    opened: list[FakeConnection] = []
    refuses = False

    async def new_channel(_: Connection, **_options: bool) -> Channel:
        return cast(Channel, object())

    @asynccontextmanager
    async def connect() -> AsyncIterator[Any]:
        if refuses:
            raise BrokerUnavailable("refused")
        opened.append(FakeConnection())
        yield opened[-1]

    async def publish(_: Channel) -> None:
        pass

    monkeypatch.setattr(event_link, "new_channel", new_channel)
    link = event_link._OneChannelEach(connect)
    await link.send(publish)
    refuses = True
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            await link.send(publish)
    assert not opened[0].aborted
    refuses = False
    await link.send(publish)
    assert not opened[0].aborted
    await link.close()
    assert all(connection.aborted for connection in opened)
