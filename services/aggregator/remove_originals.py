"""Removes the originals that interrupted runs left behind, before their request finishes."""

import structlog

from shared.contracts.object_keys import originals_prefix
from shared.errors import StorageUnavailable
from shared.storage import ObjectStore, delete_all

log = structlog.get_logger(__name__)


class OriginalsRemover:
    def __init__(self, store: ObjectStore, *, keep_originals: bool) -> None:
        self._store = store
        self._keep_originals = keep_originals

    async def __call__(self, request_id: str) -> None:
        """Remove all originals of a request that has no open image, and no retry: it has not finished.

        An unavailable store keeps them; see the runbook.
        """
        if self._keep_originals:
            return
        try:
            await delete_all(self._store, originals_prefix(request_id))
        except StorageUnavailable as error:
            log.warning("originals_not_removed", error=str(error))
