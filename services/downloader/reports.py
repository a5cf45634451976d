"""Reports to the dispatcher which downloads have ended, so that it can send further ones to their hosts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import (
    CompressImage,
    DownloadImage,
    EndedDownload,
    ImageDeferred,
    ImageFailed,
)
from shared.messaging import Handler, Outgoing

_REFUSALS = frozenset({ErrorCode.TIMEOUT, ErrorCode.CONNECT, ErrorCode.HTTP_429})
_REFUSING_STATUS = 503


class _Response(NamedTuple):
    first_byte_ms: int
    status: int | None

    @property
    def is_server_error(self) -> bool:
        return self.status is not None and self.status >= 500


class DownloadReports:
    """Reports each command once it is answered, whatever the answer is."""

    def __init__(self, add: Callable[[EndedDownload], object]) -> None:
        """`add` gets each report."""
        self._add = add
        self._responses: dict[tuple[str, str], _Response] = {}

    def responded(self, command: DownloadImage, first_byte_ms: int, status: int | None) -> None:
        """The image's host began to respond after so many milliseconds. status: of an error."""
        self._responses[_key(command)] = _Response(first_byte_ms, status)

    def reporting(self, handle: Handler) -> Handler:
        """`handle`, whose answers are reported."""

        async def handle_and_report(command: DownloadImage) -> Sequence[Outgoing]:
            try:
                answer = await handle(command)
            finally:
                response = self._responses.pop(_key(command), None)
            self._add(_ended(command, answer, response))
            return answer

        return handle_and_report


def _key(command: DownloadImage) -> tuple[str, str]:
    return command.request_id, command.image_id


def _ended(command: DownloadImage, answer: Sequence[Outgoing], response: _Response | None) -> EndedDownload:
    return EndedDownload(
        request_id=command.request_id,
        image_id=command.image_id,
        round=command.round,
        dispatch=command.dispatch,
        compresses=any(isinstance(each, CompressImage) for each in answer),
        # A broken image or server says nothing about the number of requests that its host can serve.
        first_byte_ms=response.first_byte_ms if response and not response.is_server_error else None,
        refused=any(_is_refusal(each, response) for each in answer),
    )


def _is_refusal(answer: Outgoing, response: _Response | None) -> bool:
    """Whether the image's own host wants fewer requests."""
    if not (isinstance(answer, ImageDeferred | ImageFailed) and answer.host_fault):
        return False
    return answer.error_code in _REFUSALS or (response is not None and response.status == _REFUSING_STATUS)
