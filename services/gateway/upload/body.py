"""Receiving an upload: from the request's body to a temporary file, in bounded memory."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from services.gateway.upload.multipart import UploadForm
from services.gateway.web.problems import Problem, stalled, too_large, too_slow, wrong_content_type
from shared.errors import StorageUnavailable

FORM_TYPE = "multipart/form-data"
CSV_TYPES = (
    "text/csv",
    "text/plain",
    "text/comma-separated-values",
    "text/x-csv",
    "application/csv",
    "application/x-csv",
    "application/vnd.ms-excel",  # what browsers on Windows with Excel call a CSV
)
_WRITE_BYTES = 1 << 20
_DRAIN_BYTES = 64 << 20
_DRAIN_SECONDS = 5


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may be: its bytes, seconds without one of them, and seconds in all."""

    max_bytes: int
    stall_timeout: float
    max_seconds: float


@dataclass(frozen=True, slots=True)
class ReceivedUpload:
    """A catalogue as it was sent: the file at `path`, and the form's other fields."""

    path: Path
    filename: str | None
    fields: tuple[tuple[str, str], ...]


@asynccontextmanager
async def receive_upload(request: Request, limits: BodyLimits) -> AsyncIterator[ReceivedUpload]:
    """Receive the body; the file is gone when the context ends, however it ends.

    Raises Problem: 415 for a type that is neither a form nor CSV, 413 for too large a body, 400 for a broken form, 408
    if nothing comes for a while or all takes too long. StorageUnavailable if the local disk takes no more.
    """
    try:
        form = _form(request)
        _check_announced(request, limits.max_bytes)
    except Problem:
        if request.headers.get("Expect", "").lower() != "100-continue":  # else the client waits for our word
            await _drain(request)
        raise
    with tempfile.NamedTemporaryFile(prefix="imagemill-upload-") as file:
        try:
            async with _in_time(limits) as patience:
                await _receive(request, form, file, limits, patience)
        except Problem as problem:
            if problem.document.status == HTTPStatus.REQUEST_TIMEOUT:
                raise
            await _drain(request)
            raise
        yield ReceivedUpload(Path(file.name), form.filename if form else None, tuple(form.fields) if form else ())


def _form(request: Request) -> UploadForm | None:
    """The form to be read, or None if the body is the CSV itself."""
    content_type, parameters = parse_options_header(request.headers.get("Content-Type"))
    kind = content_type.decode("latin-1")
    if kind == FORM_TYPE:
        return UploadForm(parameters.get(b"boundary"))
    if kind in CSV_TYPES:
        return None
    raise wrong_content_type(kind, (FORM_TYPE, *CSV_TYPES))


def _check_announced(request: Request, max_bytes: int) -> None:
    announced = request.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise too_large(max_bytes)


@asynccontextmanager
async def _in_time(limits: BodyLimits) -> AsyncIterator[asyncio.Timeout]:
    """Yields the timeout that is to be moved whenever something came."""
    try:
        async with asyncio.timeout(limits.max_seconds) as total, asyncio.timeout(limits.stall_timeout) as patience:
            yield patience
    except TimeoutError:
        raise (too_slow(limits.max_seconds) if total.expired() else stalled(limits.stall_timeout)) from None


async def _receive(
    request: Request, form: UploadForm | None, file: IO[bytes], limits: BodyLimits, patience: asyncio.Timeout
) -> None:
    waiting = form.file_bytes if form else bytearray()
    received = 0
    async with aclosing(request.stream()) as body:
        async for chunk in body:
            received += len(chunk)
            if received > limits.max_bytes:
                raise too_large(limits.max_bytes)
            if form:
                form.feed(chunk)
            else:
                waiting += chunk
            if len(waiting) >= _WRITE_BYTES:  # in large pieces, since each takes a thread
                await _write(file, waiting)
            patience.reschedule(asyncio.get_running_loop().time() + limits.stall_timeout)
    if form:
        form.finish()
    await _write(file, waiting)


async def _write(file: IO[bytes], waiting: bytearray) -> None:
    try:
        await asyncio.to_thread(_write_through, file, bytes(waiting))
    except OSError as error:
        raise StorageUnavailable(f"an upload cannot be buffered: {error}") from error
    waiting.clear()


def _write_through(file: IO[bytes], data: bytes) -> None:
    file.write(data)
    file.flush()  # others will open it by its path


async def _drain(request: Request) -> None:
    """Let a client that sends on without listening finish, within bounds: cut off, it would not see our answer."""
    left = _DRAIN_BYTES
    with suppress(TimeoutError, ClientDisconnect, RuntimeError):  # RuntimeError: the body has been read to its end
        async with asyncio.timeout(_DRAIN_SECONDS), aclosing(request.stream()) as body:
            async for chunk in body:
                left -= len(chunk)
                if left < 0:
                    return
