"""Accepts a usable catalogue: stores it, then records its request; only then may the client be answered."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from ulid import PureRandomPolicy, ULIDGenerator

from services.gateway.upload.retention_policy import RetentionPolicy
from services.gateway.upload.validate import ValidatedUpload
from shared.contracts.object_keys import upload_key
from shared.contracts.records import Progress, Request
from shared.contracts.states import RequestStatus
from shared.observability import Metrics
from shared.persistence import Database
from shared.storage import ObjectStore

# Whoever knows an id can read the request and its files, so ids must not be guessable. The library's default policy
# counts up within a millisecond.
_IDS = ULIDGenerator(policy=PureRandomPolicy())

log = structlog.get_logger(__name__)


class UploadAcceptor:
    """Stores uploads and records their requests."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        clock: Callable[[], datetime],
        intake_opened: asyncio.Event,
        metrics: Metrics,
        retention: RetentionPolicy,
    ) -> None:
        """`intake_opened` is set after each upload, so that its intake starts at once."""
        self._database = database
        self._store = store
        self._clock = clock
        self._intake_opened = intake_opened
        self._metrics = metrics
        self._retention = retention

    async def accept(self, upload: ValidatedUpload) -> str:
        """Returns the id of the new request.

        Raises DependencyUnavailable if the store or the database does not answer; then nothing was accepted.
        """
        request = self._request(upload)
        await self._database.ping()  # do not store an upload that cannot be recorded
        await self._store.put_file(request.upload_key, upload.path, "text/csv")
        # If this fails, the database may still have the request, so the stored upload stays.
        await self._database.requests.insert(request)
        self._intake_opened.set()
        self._metrics.upload_bytes.inc(upload.size)
        log.info("upload_accepted", request_id=request.request_id, rows=upload.inspection.rows, bytes=upload.size)
        return request.request_id

    def _request(self, upload: ValidatedUpload) -> Request:
        now = self._clock()
        request_id = str(_IDS.generate(now))
        return Request(
            request_id=request_id,
            status=RequestStatus.PENDING,
            round=1,
            options=upload.options.compress,
            webhook_url=upload.options.request.webhook_url,
            filename=upload.filename,
            upload_key=upload_key(request_id),
            catalogue_format=upload.inspection.catalogue_format,
            intake_open=True,
            intake_rows=0,
            created_at=now,
            updated_at=now,
            retention_days=self._retention.days(upload.options.request.retention_days),
            progress=Progress(total=0, compressed=0, failed=0, pending=0, as_of=now),
        )
