"""Records the forms that an app receives, for tests of what a client sends."""

import email
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class ReceivedForms:
    """Passes all requests to `app`. forms: path and sorted names of the fields of each form, in order of arrival."""

    app: ASGIApp
    forms: list[tuple[str, list[str]]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()

        async def receive_and_keep() -> MutableMapping[str, Any]:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        await self.app(scope, receive_and_keep, send)
        content_type = dict(scope["headers"]).get(b"content-type", b"")
        if content_type.startswith(b"multipart/form-data"):
            self.forms.append((scope["path"], _names(content_type, bytes(body))))


def _names(content_type: bytes, body: bytes) -> list[str]:
    form = email.message_from_bytes(b"Content-Type: " + content_type + b"\r\n\r\n" + body)
    return sorted(str(part.get_param("name", header="Content-Disposition")) for part in form.walk() if part is not form)
