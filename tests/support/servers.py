"""Real servers for tests: private processes on this machine, or containers if IMAGEMILL_TEST_SERVERS=containers.

A server that cannot be started fails the run; no test is skipped.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import pymongo

from deploy.local.ports import Ports
from deploy.local.servers import PrivateServers, Servers
from shared.messaging import COMMANDS_EXCHANGE, DEAD_EXCHANGE, EVENTS_EXCHANGE, Queue
from tests.support.container_servers import ContainerServers

CHOICE = "IMAGEMILL_TEST_SERVERS"


def servers_at(home: Path) -> Servers:
    """Servers that are not started yet and keep their data under `home`."""
    ports = Ports(home / "ports.json")
    choice = os.environ.get(CHOICE) or "processes"
    if choice == "containers":
        return ContainerServers(ports)
    if choice == "processes":
        return PrivateServers(home, ports)
    raise ValueError(f"{CHOICE} is {choice!r}, not processes or containers")


def fresh_database(mongodb_url: str) -> str:
    """The URL of a new database on the same server."""
    return urlsplit(mongodb_url)._replace(path=f"/test-{secrets.token_hex(6)}").geturl()


def keep_expired_documents(mongodb_url: str) -> None:
    """Switch the TTL monitor off: it deletes by today's date, while tests have clocks of their own."""
    with pymongo.MongoClient[dict[str, object]](mongodb_url) as client:
        client.admin.command("setParameter", 1, ttlMonitorEnabled=False)


async def remove_topology(rabbitmq_url: str) -> None:
    """Delete our queues and exchanges, so that a test finds the broker as before the first start."""
    async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
        for queue in Queue:
            await channel.queue_delete(queue)
        for exchange in (COMMANDS_EXCHANGE, EVENTS_EXCHANGE, DEAD_EXCHANGE):
            await channel.exchange_delete(exchange)
