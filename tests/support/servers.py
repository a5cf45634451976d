"""Real servers for tests: private processes on this machine, or containers if IMAGEMILL_TEST_SERVERS=containers.

A server that cannot be had fails the run: nothing is skipped.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika

from deploy.local.ports import Ports
from deploy.local.servers import PrivateServers, Servers
from shared.messaging import COMMANDS_EXCHANGE, DEAD_EXCHANGE, EVENTS_EXCHANGE, Queue
from tests.support.container_servers import ContainerServers

CHOICE = "IMAGEMILL_TEST_SERVERS"


def servers_at(home: Path) -> Servers:
    """Servers that are not yet started; what they need on disk lies under `home`."""
    ports = Ports(home / "ports.json")
    choice = os.environ.get(CHOICE) or "processes"
    if choice == "containers":
        return ContainerServers(ports)
    if choice == "processes":
        return PrivateServers(home, ports)
    raise ValueError(f"{CHOICE} is {choice!r}; it may be processes or containers")


def fresh_database(mongodb_url: str) -> str:
    """The URL of a database that does not exist yet, on the same server."""
    return urlsplit(mongodb_url)._replace(path=f"/test-{secrets.token_hex(6)}").geturl()


async def remove_topology(rabbitmq_url: str) -> None:
    """Delete the house's queues and exchanges, so that a test finds a broker as it is before the first start."""
    async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
        for queue in Queue:
            await channel.queue_delete(queue)
        for exchange in (COMMANDS_EXCHANGE, EVENTS_EXCHANGE, DEAD_EXCHANGE):
            await channel.exchange_delete(exchange)
