"""Serves results and outputs to anyone who has their URL. Uploads and originals are never served."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import PurePosixPath

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.gateway.files.http_range import Unsatisfiable, http_date, is_same, is_unchanged, read_range
from services.gateway.http_server import is_compressible, weak_etag, will_be_encoded
from services.gateway.web import no_such_object, no_such_part
from shared.contracts.object_keys import PUBLIC_PREFIXES
from shared.errors import ObjectMissing
from shared.storage import ObjectStat, ObjectStore, check_key

_CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".avif": "image/avif",
    ".csv": "text/csv",
    ".json": "application/json",
}


class ObjectServer:
    """GET and HEAD of the public objects in `store`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def serve(self, request: Request, key: str) -> Response:
        """The object, a part of it, or 304. Raises Problem (404, 416), and StorageUnavailable before the first byte."""
        stat = await self._find(key)
        asked, etag = request.headers, f'"{stat.etag}"'
        headers = _headers(key, stat)
        encoded = will_be_encoded(asked, headers["Content-Type"], stat.size)
        headers["ETag"] = weak_etag(etag) if encoded else etag
        if is_unchanged(asked.get("If-None-Match"), asked.get("If-Modified-Since"), etag, stat.modified):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=_without_content(headers))
        status, start, end = HTTPStatus.OK, 0, stat.size
        # An encoded object is sent whole: the ranges are of the bytes in the store.
        if not encoded and is_same(asked.get("If-Range"), etag, stat.modified):
            part = _part(asked.get("Range"), stat.size)
            if part is not None:
                status, (start, end) = HTTPStatus.PARTIAL_CONTENT, part
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{stat.size}"
        headers["Content-Length"] = str(end - start)
        if request.method == "HEAD" or start == end:
            return Response(status_code=status, headers=headers)
        return StreamingResponse(await self._opened(key, start, end), status, headers)

    async def _find(self, key: str) -> ObjectStat:
        try:
            stat = await self._store.stat(check_key(key)) if key.startswith(PUBLIC_PREFIXES) else None
        except ValueError:  # not a key, such as one that contains ".."
            stat = None
        if stat is None:
            raise no_such_object()
        return stat

    async def _opened(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes. The first chunk is read before the response starts, so that a fault of the store is a 503."""
        chunks = self._store.read_chunks(key, start, end)
        try:
            first = await anext(chunks)
        except ObjectMissing:
            raise no_such_object() from None
        return _all(first, chunks)


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _part(header: str | None, size: int) -> tuple[int, int] | None:
    try:
        return read_range(header, size)
    except Unsatisfiable:
        raise no_such_part(size) from None


def _headers(key: str, stat: ObjectStat) -> dict[str, str]:
    path = PurePosixPath(key)
    headers = {
        "Content-Type": _content_type(path),
        "Last-Modified": http_date(stat.modified),
        "Accept-Ranges": "bytes",
        # A key is written once and never gets other bytes.
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
        # The URL is the only secret, so pages of any origin may fetch the object.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if is_compressible(headers["Content-Type"]):
        headers["Vary"] = "Accept-Encoding"
    if not headers["Content-Type"].startswith("image/"):
        headers["Content-Disposition"] = f'attachment; filename="{path.name}"'
    return headers


def _content_type(path: PurePosixPath) -> str:
    if path.name.endswith("-report.csv"):  # always UTF-8; the other CSV files have their upload's encoding
        return "text/csv; charset=utf-8"
    return _CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")


def _without_content(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("Content-")}
