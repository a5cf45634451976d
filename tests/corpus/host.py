"""Hosts on loopback: one that serves a folder, one that has a picture at each path."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Silent."""


class _Host(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """The downloader ends a response when its beginning shows that it is no picture."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Yields the URL of the folder, without a slash at its end."""
    with _running(partial(_Handler, directory=str(folder))) as address:
        yield f"http://{address}"


@contextmanager
def any_path(picture: bytes) -> Iterator[str]:
    """The picture at every path. Yields the host's address and port."""

    class Handler(_Handler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(picture)))
            self.end_headers()
            self.wfile.write(picture)

    with _running(Handler) as address:
        yield address


@contextmanager
def _running(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    host = _Host(("127.0.0.1", 0), handler)
    Thread(target=host.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{host.server_address[1]}"
    finally:
        host.shutdown()
        host.server_close()
