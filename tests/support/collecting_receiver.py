"""A webhook receiver that records its calls. It responds with given statuses first, then with 200."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks import Webhook

from tests.support.loopback_server import serving


@dataclass
class CollectingReceiver:
    """calls: headers and body of each POST. statuses: of the next responses; then 200."""

    url: str = ""
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def verified(self, secret: str, request_id: str) -> dict[str, dict[str, Any]]:
        """The payloads of a request by webhook-id. Raises WebhookVerificationError if a signature is wrong."""
        payloads = {headers["webhook-id"]: Webhook(secret).verify(body, headers) for headers, body in self.calls}
        return {name: body for name, body in payloads.items() if body["data"]["request_id"] == request_id}


@asynccontextmanager
async def open_receiver() -> AsyncIterator[CollectingReceiver]:
    receiver = CollectingReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    with serving(Handler) as url:
        receiver.url = f"{url}/hook"
        yield receiver
