"""Makes the object store: the explicit step without which no service writes to a directory or bucket."""

from shared.persistence import Database
from shared.storage import ObjectStore, StoreState


class StoreLost(Exception):
    """The database has requests, and there is no store with their objects."""


async def init_store(store: ObjectStore, database: Database, *, accept_loss: bool) -> str:
    """Make the store, or mark the one that is there. Returns a sentence about what was done. Repeatable.

    Raises StoreLost if the objects of recorded requests are not there, unless `accept_loss`.
    """
    state = await store.state()
    if state is StoreState.MADE:
        return "The object store exists already."
    if state is StoreState.ABSENT and not accept_loss and await _has_requests(database):
        raise StoreLost(
            "The database has requests, but there is no object store with their objects. Mount it, or correct "
            "OBJECT_STORE_URL. If it is lost, make an empty one with --accept-loss."
        )
    await store.make()
    if state is StoreState.UNMARKED:
        return "The object store of an earlier version is marked; its objects are kept."
    return "An empty object store is made."


async def _has_requests(database: Database) -> bool:
    return bool(await database.requests.count_open()) or await anext(database.requests.finished(), None) is not None
