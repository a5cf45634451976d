"""Accepting a catalogue: received, judged as a whole, stored durably and recorded; only then answered."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog
from starlette.requests import Request as HttpRequest
from ulid import PureRandomPolicy, ULIDGenerator

from services.gateway.catalogue.findings import CatalogueRefused
from services.gateway.catalogue.inspection import Inspection, inspect_catalogue
from services.gateway.catalogue.reading import CatalogueLimits
from services.gateway.problems import bad_catalogue
from services.gateway.upload_body import BodyLimits, receive_upload
from services.gateway.upload_options import UploadOptions, read_options
from shared.contracts.messages import CompressOptions
from shared.contracts.object_keys import upload_key
from shared.contracts.records import Progress, Request
from shared.contracts.states import RequestStatus
from shared.observability.metrics import Metrics
from shared.outbound.address_guard import AddressPolicy
from shared.persistence import Database
from shared.storage.object_store import ObjectStore

_CHUNK_BYTES = 1 << 18

# Ids are the only key to a request and its files. The library's usual policy counts up within a millisecond.
_IDS = ULIDGenerator(policy=PureRandomPolicy())

log = structlog.get_logger(__name__)


class Uploads:
    """Takes uploads. `arrived` is set at each one, so that intake need not wait for its next look."""

    def __init__(  # noqa: PLR0913 (a composition root calls this, by name)
        self,
        *,
        database: Database,
        store: ObjectStore,
        limits: CatalogueLimits,
        body_limits: BodyLimits,
        default_options: CompressOptions,
        fetch_policy: AddressPolicy,
        webhook_policy: AddressPolicy,
        clock: Callable[[], datetime],
        arrived: asyncio.Event,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._store = store
        self._limits = limits
        self._body_limits = body_limits
        self.default_options = default_options
        self._fetch_policy = fetch_policy
        self._webhook_policy = webhook_policy
        self._clock = clock
        self._arrived = arrived
        self._metrics = metrics

    async def accept(self, http: HttpRequest) -> Request:
        """The request that was made of an upload. Raises Problem or OwnFault; then nothing was accepted."""
        async with receive_upload(http, self._body_limits) as upload:
            given = [*http.query_params.multi_items(), *upload.fields]
            options = read_options(given, self.default_options, self._webhook_policy)
            try:
                inspected, size = await asyncio.to_thread(self._inspect, upload.path)
            except CatalogueRefused as refused:
                raise bad_catalogue(refused) from None
            request = self._request(options, upload.filename, inspected)
            await self._database.probe()  # lest the upload is stored in vain
            await self._store.put_file(request.upload_key, upload.path, "text/csv; charset=utf-8")
        # If this fails the database may have it all the same, so the stored upload must stay.
        await self._database.requests.insert(request)
        self._arrived.set()
        self._metrics.upload_bytes.inc(size)
        log.info("upload_accepted", request_id=request.request_id, rows=inspected.rows, bytes=size)
        return request

    def _inspect(self, path: Path) -> tuple[Inspection, int]:
        """What the catalogue at `path` is, and its bytes."""
        return inspect_catalogue(partial(_chunks, path), self._limits, self._fetch_policy), path.stat().st_size

    def _request(self, options: UploadOptions, filename: str | None, inspected: Inspection) -> Request:
        now = self._clock()
        request_id = str(_IDS.generate(now))
        return Request(
            request_id=request_id,
            status=RequestStatus.PENDING,
            round=1,
            options=options.compress,
            webhook_url=options.webhook_url,
            filename=filename,
            upload_key=upload_key(request_id),
            form=inspected.form,
            intake_open=True,
            intake_rows=0,
            created_at=now,
            updated_at=now,
            progress=Progress(total=0, compressed=0, failed=0, pending=0, as_of=now),
        )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
