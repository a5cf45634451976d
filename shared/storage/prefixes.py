"""Deleting all objects whose keys have a prefix, in short calls."""

from contextlib import aclosing

from shared.storage.object_store import ObjectStore

_MAX_DELETED_AT_ONCE = 1_000  # S3 deletes no more in one call


async def delete_some(store: ObjectStore, prefix: str) -> int:
    """Delete some of the objects whose keys start with `prefix`, and return how many; 0 if there are none.

    Raises StorageUnavailable.
    """
    keys: list[str] = []
    async with aclosing(store.list_keys(prefix)) as listed:
        async for key in listed:
            keys.append(key)
            if len(keys) == _MAX_DELETED_AT_ONCE:
                break
    if keys:
        await store.delete(keys)
    return len(keys)


async def delete_all(store: ObjectStore, prefix: str) -> None:
    """Delete all objects whose keys start with `prefix`. Raises StorageUnavailable."""
    while await delete_some(store, prefix):
        pass
