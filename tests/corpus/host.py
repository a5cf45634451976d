"""Hosts on loopback: one that serves a folder, one that has a picture at each path."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from pathlib import Path

from tests.support.loopback_server import Silent, serving


class _Files(Silent, SimpleHTTPRequestHandler):
    """Files of a folder."""


def served(folder: Path) -> AbstractContextManager[str]:
    """Yields the URL of the folder, without a slash at its end."""
    return serving(partial(_Files, directory=str(folder)))


@contextmanager
def any_path(jpeg: bytes) -> Iterator[str]:
    """The picture at every path. Yields the host's address and port."""

    class Handler(Silent, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(jpeg)))
            self.end_headers()
            self.wfile.write(jpeg)

    with serving(Handler) as url:
        yield url.removeprefix("http://")
