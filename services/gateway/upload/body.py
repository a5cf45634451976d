"""Receives the body of an upload into a temporary file, in bounded memory."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

from starlette.requests import ClientDisconnect, Request

from services.gateway.upload.content_types import CSV_TYPES, FORM_TYPE, charset_of, parse_type
from services.gateway.upload.multipart import UploadForm
from services.gateway.web import Problem, compressed_upload, stalled, too_large, too_slow, wrong_content_type
from shared.errors import DiskUnavailable
from shared.workspace import disk_faults

_WRITE_BYTES = 1 << 20
_DRAIN_BYTES = 64 << 20
_DRAIN_SECONDS = 5


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """max_bytes: of the body. stall_timeout: seconds without a byte. max_seconds: for the whole body."""

    max_bytes: int
    stall_timeout: float
    max_seconds: float


@dataclass(frozen=True, slots=True)
class ReceivedUpload:
    """A catalogue as the client sent it, in the file at `path`.

    fields: the other fields of the form. charset: the label that the Content-Type of the file declares.
    """

    path: Path
    filename: str | None
    fields: tuple[tuple[str, str], ...]
    charset: str | None


@asynccontextmanager
async def receive_upload(request: Request, limits: BodyLimits) -> AsyncIterator[ReceivedUpload]:
    """Receive the body; the file is deleted when the context ends.

    Raises Problem: 415 for a type that is neither a form nor CSV, 413 for too large a body, 400 for a broken form, 408
    if the body stalls or takes too long. Raises DiskUnavailable if the local disk is full.
    """
    try:
        _check_encoding(request)
        form, charset = _form(request)
        _check_declared(request, limits.max_bytes)
    except Problem:
        if request.headers.get("Expect", "").lower() != "100-continue":  # such a client has not sent the body yet
            await _drain(request)
        raise
    with disk_faults(), ExitStack() as opened:
        async with _drained_on_error(request):
            with disk_faults():
                file = opened.enter_context(tempfile.NamedTemporaryFile(prefix="upload-"))
            async with _in_time(limits) as stall:
                await _receive(request, form, file, limits, stall)
        path = Path(file.name)
        if form:
            yield ReceivedUpload(path, form.filename, tuple(form.fields), form.charset or charset)
        else:
            yield ReceivedUpload(path, None, (), charset)


def _check_encoding(request: Request) -> None:
    encoding = request.headers.get("Content-Encoding", "")
    if any(coding.strip().lower() not in {"", "identity"} for coding in encoding.split(",")):
        raise compressed_upload(encoding)


def _form(request: Request) -> tuple[UploadForm | None, str | None]:
    """A parser for the form, None if the body is the CSV itself; and the declared charset."""
    kind, parameters = parse_type(request.headers.get("Content-Type"))
    charset = charset_of(parameters)
    if kind == FORM_TYPE:
        return UploadForm(parameters.get(b"boundary")), charset
    if kind in CSV_TYPES:
        return None, charset
    raise wrong_content_type(kind, (FORM_TYPE, *CSV_TYPES))


def _check_declared(request: Request, max_bytes: int) -> None:
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise too_large(max_bytes)


@asynccontextmanager
async def _in_time(limits: BodyLimits) -> AsyncIterator[asyncio.Timeout]:
    """Apply the time limits. Yields the stall timeout, which must be rescheduled whenever bytes arrive."""
    try:
        async with asyncio.timeout(limits.max_seconds) as total, asyncio.timeout(limits.stall_timeout) as stall:
            yield stall
    except TimeoutError:
        raise (too_slow(limits.max_seconds) if total.expired() else stalled(limits.stall_timeout)) from None


async def _receive(
    request: Request, form: UploadForm | None, file: IO[bytes], limits: BodyLimits, stall: asyncio.Timeout
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
            if len(waiting) >= _WRITE_BYTES:  # write large pieces, since each write runs in a thread
                await _write(file, waiting)
            stall.reschedule(asyncio.get_running_loop().time() + limits.stall_timeout)
    if form:
        form.finish()
    await _write(file, waiting)


async def _write(file: IO[bytes], waiting: bytearray) -> None:
    with disk_faults():
        await asyncio.to_thread(_write_through, file, bytes(waiting))
    waiting.clear()


def _write_through(file: IO[bytes], data: bytes) -> None:
    file.write(data)
    file.flush()  # readers open the file by its path


@asynccontextmanager
async def _drained_on_error(request: Request) -> AsyncIterator[None]:
    try:
        yield
    except DiskUnavailable:
        await _drain(request)
        raise
    except Problem as problem:
        if problem.document.status != HTTPStatus.REQUEST_TIMEOUT:
            await _drain(request)
        raise


async def _drain(request: Request) -> None:
    """Read and drop the rest of the body, within limits: a client that is cut off while sending sees no response."""
    left = _DRAIN_BYTES
    with suppress(TimeoutError, ClientDisconnect, RuntimeError):  # RuntimeError: the body has already been read
        async with asyncio.timeout(_DRAIN_SECONDS), aclosing(request.stream()) as body:
            async for chunk in body:
                left -= len(chunk)
                if left < 0:
                    return
