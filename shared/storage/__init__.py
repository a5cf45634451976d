"""The object store: uploads, originals, results and output files, each under a key.

`open_object_store` returns a store in a directory or in an S3 bucket; both implement the protocol `ObjectStore`.
"""

from shared.storage.held_puts import HeldPuts
from shared.storage.keys import check_key, check_prefix
from shared.storage.object_store import ObjectStat, ObjectStore, StoreState, check_range
from shared.storage.open import open_object_store
from shared.storage.prefixes import delete_all, delete_some

__all__ = [
    "HeldPuts",
    "ObjectStat",
    "ObjectStore",
    "StoreState",
    "check_key",
    "check_prefix",
    "check_range",
    "delete_all",
    "delete_some",
    "open_object_store",
]
