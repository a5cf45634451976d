"""Helpers for listing keys."""

from contextlib import aclosing

from shared.storage.object_store import ObjectStore


async def first_keys(store: ObjectStore, prefix: str, count: int) -> list[str]:
    """At most `count` of the keys that start with `prefix`. Raises StorageUnavailable."""
    keys: list[str] = []
    async with aclosing(store.list_keys(prefix)) as listed:
        async for key in listed:
            keys.append(key)
            if len(keys) == count:
                break
    return keys
