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
from services.gateway.admin.reconcile import REMOVED, Discrepancy, Kind, Reconciler
from services.gateway.admin.settings import AdminSettings
from shared.errors import DependencyUnavailable, StoppedWhileStarting
from shared.persistence import Database, open_database
from shared.settings import load
from shared.storage import ObjectStore, open_object_store

_CONNECT_SECONDS = 10.0
_MAX_HOURS = 100_000

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
    except StoppedWhileStarting:
        sys.exit(f"database is unavailable: it did not answer within {_CONNECT_SECONDS:g} seconds")


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
        "--force", action="store_true", help="apply although most of the database and the store do not match"
    )
    found.add_argument(
        "--min-age", type=_hours, default=timedelta(hours=1), metavar="HOURS", help="ignore what is younger; at least 1"
    )
    found.add_argument("--json", action="store_true", help="print one JSON object per line")
    found.set_defaults(command=_reconcile)
    expired = commands.add_parser(
        "expire", help="expire a finished request now: it is removed with all its objects within seconds"
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
    hours = float(text)
    if not 1 <= hours <= _MAX_HOURS:
        raise argparse.ArgumentTypeError(f"it is a number from 1 to {_MAX_HOURS}")
    return timedelta(hours=hours)


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
    async with aclosing(reconciler.find()) as discrepancies:
        found = [each async for each in discrepancies]
    doubtful = given.apply and not given.force and reconciler.is_doubtful(found)
    applies = given.apply and not doubtful
    for each in found:
        done = None
        if applies and each.kind in REMOVED:
            await reconciler.remove(each)
            done = "expired" if each.kind is Kind.REQUEST_WITHOUT_OBJECTS else "removed"
        _print(json.dumps(asdict(each) | {"done": done}) if given.json else _line(each, done))
    if doubtful:
        sys.stderr.write(
            "nothing was changed: most of the database and the store do not match. Do MONGODB_URL and OBJECT_STORE_URL"
            " belong together? If they do, use --force.\n"
        )
        return 1
    if not given.json:
        advice = "" if applies or not found else " Nothing was changed; --apply removes what belongs to no request."
        _print(f"{len(found)} found.{advice}")
    return 0


async def _expire(given: Namespace, database: Database, _: ObjectStore) -> int:
    request_id = given.request_id.upper()
    if not await database.requests.expire(request_id):
        sys.stderr.write(f"no finished request has the id {given.request_id}\n")
        return 1
    _print(f"{request_id} expires now; the gateway removes it.")
    return 0


async def _init_store(given: Namespace, database: Database, store: ObjectStore) -> int:
    try:
        _print(await init_store(store, database, accept_loss=given.accept_loss))
    except StoreLost as lost:
        sys.stderr.write(f"{lost}\n")
        return 1
    return 0


def _line(found: Discrepancy, done: str | None) -> str:
    objects = f"  ({found.objects} objects)" if found.objects else ""
    return f"{done + '  ' if done else ''}{found.kind.replace('-', ' ')}  {found.subject}{objects}"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
