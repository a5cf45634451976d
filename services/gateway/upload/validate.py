"""Receives catalogues and checks them, a few at a time; nothing is stored."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from services.gateway.catalogue import CatalogueLimits, CatalogueRefused, GivenEncoding, Inspection, inspect_catalogue
from services.gateway.upload.body import BodyLimits, ReceivedUpload, receive_upload
from services.gateway.upload.options import UploadOptions, read_options
from services.gateway.upload.request_options import RequestOptions
from services.gateway.upload.retention_policy import RetentionPolicy
from services.gateway.web import bad_catalogue, refused_slots
from shared.url_policy import AddressPolicy

_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class ValidationRules:
    """Limits for a catalogue and its options. defaults: of the options that a client leaves out."""

    limits: CatalogueLimits
    body_limits: BodyLimits
    fetch_policy: AddressPolicy
    webhook_policy: AddressPolicy
    defaults: UploadOptions
    retention: RetentionPolicy


@dataclass(frozen=True, slots=True)
class ValidatedUpload:
    """A usable catalogue in the file at `path`, which has `size` bytes."""

    path: Path
    size: int
    filename: str | None
    options: UploadOptions
    inspection: Inspection


class UploadValidator:
    """Inspects at most `at_once` catalogues at a time, since each takes a whole core; others wait."""

    def __init__(self, rules: ValidationRules, at_once: int) -> None:
        self._rules = rules
        self._inspections = asyncio.Semaphore(at_once)

    @property
    def defaults(self) -> UploadOptions:
        return self._rules.defaults

    @asynccontextmanager
    async def receive(self, http: Request, known_options: Sequence[str]) -> AsyncIterator[ValidatedUpload]:
        """Receive a catalogue and inspect it; the file is deleted when the context ends.

        Raises Problem as `receive_upload` and `read_options` do, and with status 400 if the catalogue cannot be used or
        if a URL is refused and `on_invalid` is "reject". Raises ClientDisconnect if the client left while it waited.
        """
        rules = self._rules
        async with receive_upload(http, rules.body_limits) as upload:
            given = [*http.query_params.multi_items(), *upload.fields]
            options = read_options(given, rules.defaults, rules.webhook_policy, rules.retention, known_options)
            async with self._inspections:
                if await http.is_disconnected():
                    raise ClientDisconnect
                inspection = await self._inspect(upload, options.request)
            if inspection.refused_slots and options.request.on_invalid == "reject":
                raise refused_slots(inspection.findings, inspection.more_findings)
            yield ValidatedUpload(upload.path, upload.path.stat().st_size, upload.filename, options, inspection)

    async def _inspect(self, upload: ReceivedUpload, options: RequestOptions) -> Inspection:
        rules = self._rules
        try:
            return await asyncio.to_thread(
                inspect_catalogue,
                partial(_chunks, upload.path),
                rules.limits,
                rules.fetch_policy,
                options.named_profile,
                sample_per_host=options.probe or 0,
                given_encoding=GivenEncoding(options.encoding, upload.charset),
            )
        except CatalogueRefused as refused:
            raise bad_catalogue(refused) from None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
