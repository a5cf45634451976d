"""Receiving an upload: from the request's body to a temporary file, in bounded memory."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from services.gateway.problems import Problem, stalled, too_large, wrong_content_type
from services.gateway.upload_form import UploadForm
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
class ReceivedUpload:
    """A catalogue as it was sent: the file at `path`, and the form's other fields."""

    path: Path
    filename: str | None
    fields: tuple[tuple[str, str], ...]


@asynccontextmanager
async def receive_upload(request: Request, max_bytes: int, stall_timeout: float) -> AsyncIterator[ReceivedUpload]:
    """Receive the body; the file is gone when the context ends, however it ends.

    Raises Problem: 415 for a type that is neither a form nor CSV, 413 beyond `max_bytes`, 400 for a broken form, 408
    if nothing comes for `stall_timeout` seconds. StorageUnavailable if the local disk takes no more.
    """
    try:
        form = _form(request)
        _check_announced(request, max_bytes)
    except Problem:
        if request.headers.get("Expect", "").lower() != "100-continue":  # else the client waits for our word
            await _drain(request)
        raise
    with tempfile.NamedTemporaryFile(prefix="imagemill-upload-") as file:
        try:
            await _receive(request, form, file, max_bytes, stall_timeout)
        except TimeoutError:
            raise stalled(stall_timeout) from None
        except Problem:
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


async def _receive(
    request: Request, form: UploadForm | None, file: IO[bytes], max_bytes: int, stall_timeout: float
) -> None:
    waiting = form.file_bytes if form else bytearray()
    received = 0
    async with asyncio.timeout(stall_timeout) as patience, aclosing(request.stream()) as body:
        async for chunk in body:
            received += len(chunk)
            if received > max_bytes:
                raise too_large(max_bytes)
            if form:
                form.feed(chunk)
            else:
                waiting += chunk
            if len(waiting) >= _WRITE_BYTES:  # in large pieces, since each takes a thread
                await _write(file, waiting)
            patience.reschedule(asyncio.get_running_loop().time() + stall_timeout)
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
