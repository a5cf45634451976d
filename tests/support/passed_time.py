"""Lets time pass in the database alone, so that a test does not wait for the leases and claims of a dead process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

_AN_HOUR_MS = 3_600_000


async def let_leases_run_out(mongodb_url: str) -> None:
    """Expire all leases, as if their holders had ended. A running holder takes its lease again."""
    async with _database(mongodb_url) as database:
        await database["leases"].delete_many({})


async def let_deliveries_be_due(mongodb_url: str) -> None:
    """As if an hour had passed since every delivery was last touched."""
    async with _database(mongodb_url) as database:
        await database["deliveries"].update_many({}, [{"$replaceWith": _every_date_earlier("$$ROOT")}])


def _every_date_earlier(document: str) -> dict[str, Any]:
    moved = {"$cond": [{"$eq": [{"$type": "$$each.v"}, "date"]}, {"$subtract": ["$$each.v", _AN_HOUR_MS]}, "$$each.v"]}
    fields = {"input": {"$objectToArray": document}, "as": "each", "in": {"k": "$$each.k", "v": moved}}
    return {"$arrayToObject": {"$map": fields}}


@asynccontextmanager
async def _database(mongodb_url: str) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
        yield client.get_default_database()
