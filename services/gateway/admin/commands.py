"""Parses the command line, runs the command and prints what it found or did."""

import argparse
import asyncio
import json
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import asdict
from datetime import timedelta

from services.gateway.admin.init_store import StoreLost, init_store
from services.gateway.admin.reconcile import REMOVED, Discrepancy, Reconciler
from services.gateway.admin.settings import AdminSettings
from shared.errors import DependencyUnavailable
from shared.persistence import Database, open_database
from shared.settings import load
from shared.storage import ObjectStore, open_object_store

_CONNECT_SECONDS = 15.0

Command = Callable[[Namespace, Database, ObjectStore], Coroutine[None, None, int]]


def main(arguments: Sequence[str] | None = None, settings: AdminSettings | None = None) -> None:
    """Run one command and exit with its status. Reads the environment unless `settings` are given.

    Status 0: done. 1: not done, with the reason on stderr. 2: the arguments or settings are invalid.
    """
    given = _parser().parse_args(arguments)
    try:
        sys.exit(asyncio.run(_run(given, settings or load(AdminSettings))))
    except DependencyUnavailable as error:
        sys.exit(f"{error.dependency} is unavailable: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imagemill-admin", description="Commands for the operator of Imagemill.")
    parser.set_defaults(needs_store=True)
    commands = parser.add_subparsers(required=True, metavar="command")
    found = commands.add_parser(
        "reconcile",
        help="find objects and records that belong to no request; --apply removes them",
        description="Compares the records with the objects and lists what does not match. Without --apply it changes"
        " nothing. Requests with missing objects and objects of unknown kind are only listed.",
    )
    found.add_argument("--apply", action="store_true", help="remove what belongs to no request")
    found.add_argument(
        "--min-age", type=_hours, default=timedelta(hours=1), metavar="HOURS", help="ignore what is younger; default 1"
    )
    found.add_argument("--json", action="store_true", help="print one JSON object per line")
    found.set_defaults(command=_reconcile)
    expired = commands.add_parser(
        "expire", help="let a finished request expire now: it is removed with all its objects within moments"
    )
    expired.add_argument("request_id")
    expired.set_defaults(command=_expire)
    made = commands.add_parser(
        "init-store",
        help="make the object store at OBJECT_STORE_URL; once for each installation",
        description="Makes the directory or the bucket and marks it as the object store. Services wait for the mark, so"
        " that none takes an empty mount point for the store. Objects that are there are kept. It is refused if the"
        " database has requests and their objects are not there.",
    )
    made.add_argument("--accept-loss", action="store_true", help="make an empty store although there are requests")
    made.set_defaults(command=_init_store, needs_store=False)
    return parser


def _hours(text: str) -> timedelta:
    return timedelta(hours=float(text))


async def _run(given: Namespace, settings: AdminSettings) -> int:
    command: Command = given.command
    store = open_object_store(settings.store.object_store_url)
    try:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(_CONNECT_SECONDS, stop.set)
        if given.needs_store:
            await store.ping()
        async with open_database(settings.mongo, stop) as database:
            return await command(given, database, store)
    finally:
        await store.close()


async def _reconcile(given: Namespace, database: Database, store: ObjectStore) -> int:
    reconciler = Reconciler(database, store, database.clock(), given.min_age)
    found = removed = 0
    async with aclosing(reconciler.find()) as discrepancies:
        async for each in discrepancies:
            found += 1
            removes = given.apply and each.kind in REMOVED
            if removes:
                await reconciler.remove(each)
                removed += 1
            _print(_json(each, removed=removes) if given.json else _line(each, removed=removes))
    if not given.json:
        advice = "" if given.apply or not found else " Nothing was changed; --apply removes what belongs to no request."
        _print(f"{found} found, {removed} removed.{advice}")
    return 0


async def _expire(given: Namespace, database: Database, _: ObjectStore) -> int:
    if not await database.requests.expire(given.request_id):
        sys.stderr.write(f"no finished request has the id {given.request_id}\n")
        return 1
    _print(f"{given.request_id} expires now; the gateway removes it.")
    return 0


async def _init_store(given: Namespace, database: Database, store: ObjectStore) -> int:
    try:
        _print(await init_store(store, database, accept_loss=given.accept_loss))
    except StoreLost as lost:
        sys.stderr.write(f"{lost}\n")
        return 1
    return 0


def _line(found: Discrepancy, *, removed: bool) -> str:
    objects = f"  ({found.objects} objects)" if found.objects else ""
    return f"{'removed  ' if removed else ''}{found.kind}  {found.subject}{objects}"


def _json(found: Discrepancy, *, removed: bool) -> str:
    return json.dumps(asdict(found) | {"removed": removed})


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
