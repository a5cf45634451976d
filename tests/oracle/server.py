"""A server on loopback from which a browser takes pictures, and to which it sends pixels."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.support.loopback_server import Silent, serving


class PictureServer:
    """Its pages and pictures have one address, so that a page may read the pixels of the pictures."""

    def __init__(self, url: str, files: dict[str, tuple[bytes, str]], taken: dict[str, bytes]) -> None:
        """files: bodies and media types by path. taken: what the browser has sent, by name."""
        self._url = url
        self._files = files
        self._taken = taken
        self._numbers = itertools.count()

    def page(self, text: str) -> str:
        """Serve a page; returns its URL."""
        self._files["/"] = text.encode(), "text/html; charset=utf-8"
        return f"{self._url}/"

    @contextmanager
    def served(self, picture: bytes) -> Iterator[tuple[str, str]]:
        """Serve a picture meanwhile, as hosts do whose media types are wrong. Yields its URL and its new name."""
        name = str(next(self._numbers))
        path = f"/pictures/{name}"
        self._files[path] = picture, "image/jpeg"
        try:
            yield f"{self._url}{path}", name
        finally:
            del self._files[path]
            self._taken.clear()  # of what came too late

    def taken(self, name: str) -> bytes:
        """The pixels that the browser has sent under this name, while the picture is served."""
        return self._taken.pop(name)


@contextmanager
def open_picture_server() -> Iterator[PictureServer]:
    files: dict[str, tuple[bytes, str]] = {}
    taken: dict[str, bytes] = {}

    class Handler(Silent, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, media_type = files.get(self.path, (b"", ""))
            self.send_response(200 if media_type else 404)
            self.send_header("Content-Type", media_type or "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            name = self.path.removeprefix("/pixels/")
            taken[name] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

    with serving(Handler) as url:
        yield PictureServer(url, files, taken)
