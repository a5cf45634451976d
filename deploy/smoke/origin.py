"""The smoke test's image host and webhook receiver.

GET /<n>.jpg|png|webp returns a picture; /flaky/<n>.jpg answers 503 twice first; /webhooks lists the received webhooks.
"""

import io
import json
from collections import Counter
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath

from PIL import Image, ImageChops

FORMATS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
SIZE = (1024, 768)

asked: Counter[str] = Counter()
webhooks: list[dict[str, object]] = []


@lru_cache(maxsize=64)
def picture(name: str) -> bytes:
    """A soft gradient with film grain, which compresses like a photograph."""
    number = int(PurePosixPath(name).stem)
    base = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * ((number + turn) % 4)) for turn in range(3)])
    grain = Image.effect_noise(SIZE, 20 + number % 10).convert("RGB")
    shot = ImageChops.overlay(base.resize(SIZE), grain)
    out = io.BytesIO()
    shot.save(out, FORMATS[PurePosixPath(name).suffix], quality=95)
    return out.getvalue()


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = PurePosixPath(self.path)
        asked[self.path] += 1
        if self.path == "/webhooks":
            self._answer(200, "application/json", json.dumps(webhooks).encode())
        elif path.parent.name == "flaky" and asked[self.path] <= 2:
            self._answer(503, "text/plain", b"try again\n")
        elif path.suffix in FORMATS and path.stem.isdigit():
            self._answer(200, f"image/{FORMATS[path.suffix].lower()}", picture(path.name))
        else:
            self._answer(404, "text/plain", b"no such picture\n")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        webhooks.append({"headers": headers, "body": body.decode()})
        self._answer(204, "text/plain", b"")

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class defines the name)
        """Log nothing: the test reads /webhooks."""


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 8080), Origin).serve_forever()  # noqa: S104 (runs in its own container)
