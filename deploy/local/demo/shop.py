"""The client's side of the demo: a web shop that serves its photographs and receives the webhook."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ReceivedWebhook:
    """A webhook as it was received."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Shop:
    """A running shop: photographs under `url`/, webhooks to `url`/webhook."""

    url: str
    deliveries: queue.Queue[ReceivedWebhook] = field(default_factory=queue.Queue)


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """Serve the photographs in `folder` on a free port of the loopback interface."""
    deliveries: queue.Queue[ReceivedWebhook] = queue.Queue()
    server = _Server(("127.0.0.1", 0), partial(_Handler, deliveries, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Shop(f"http://127.0.0.1:{server.server_port}", deliveries)
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Ignore clients that close their connection early."""


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def __init__(self, deliveries: queue.Queue[ReceivedWebhook], *args: Any, **options: Any) -> None:
        self._deliveries = deliveries
        super().__init__(*args, **options)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._deliveries.put(ReceivedWebhook(dict(self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing: the demo prints its own output."""
