"""A server on loopback from which a browser takes pictures, and to which it sends pixels."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class PictureServer:
    """Its pages and pictures have one address, so that a page may read the pixels of the pictures."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, str]] = {}
        self._taken: dict[str, bytes] = {}
        self._numbers = itertools.count()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body, media_type = server._files.get(self.path, (b"", ""))
                self.send_response(200 if media_type else 404)
                self.send_header("Content-Type", media_type or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                name = self.path.removeprefix("/pixels/")
                server._taken[name] = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silent."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """The browser ends connections when it is closed."""

        self._http = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    def page(self, text: str) -> str:
        """Serve a page; returns its URL."""
        self._files["/"] = text.encode(), "text/html; charset=utf-8"
        return self._url("/")

    @contextmanager
    def served(self, picture: bytes) -> Iterator[tuple[str, str]]:
        """Serve a picture meanwhile, as hosts do whose media types are wrong. Yields its URL and its new name."""
        name = str(next(self._numbers))
        path = f"/pictures/{name}"
        self._files[path] = picture, "image/jpeg"
        try:
            yield self._url(path), name
        finally:
            del self._files[path]

    def taken(self, name: str) -> bytes:
        """The pixels that the browser sent under this name."""
        return self._taken.pop(name)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
