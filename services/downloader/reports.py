"""Reports to the dispatcher which downloads have ended, so that it can send further ones to their hosts."""

from collections.abc import Callable, Sequence

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import (
    CompressImage,
    DownloadImage,
    EndedDownload,
    ImageDeferred,
    ImageFailed,
)
from shared.messaging import Handler, Outgoing

_REFUSALS = frozenset({ErrorCode.TIMEOUT, ErrorCode.CONNECT, ErrorCode.HTTP_429, ErrorCode.HTTP_5XX})


class DownloadReports:
    """Reports each command once it is answered, whatever the answer is."""

    def __init__(self, add: Callable[[EndedDownload], object]) -> None:
        """`add` gets each report."""
        self._add = add
        self._first_bytes: dict[tuple[str, str], int] = {}

    def first_byte(self, command: DownloadImage, milliseconds: int) -> None:
        """The image's host began to respond after so many milliseconds."""
        self._first_bytes[_key(command)] = milliseconds

    def reporting(self, handle: Handler) -> Handler:
        """`handle`, whose answers are reported."""

        async def handle_and_report(command: DownloadImage) -> Sequence[Outgoing]:
            try:
                answer = await handle(command)
            finally:
                first_byte_ms = self._first_bytes.pop(_key(command), None)
            self._add(_ended(command, answer, first_byte_ms))
            return answer

        return handle_and_report


def _key(command: DownloadImage) -> tuple[str, str]:
    return command.request_id, command.image_id


def _ended(command: DownloadImage, answer: Sequence[Outgoing], first_byte_ms: int | None) -> EndedDownload:
    return EndedDownload(
        request_id=command.request_id,
        image_id=command.image_id,
        round=command.round,
        dispatch=command.dispatch,
        compresses=any(isinstance(each, CompressImage) for each in answer),
        first_byte_ms=first_byte_ms,
        refused=any(_is_refusal(each) for each in answer),
    )


def _is_refusal(answer: Outgoing) -> bool:
    """Whether the image's own host wants fewer requests."""
    return isinstance(answer, ImageDeferred | ImageFailed) and answer.host_fault and answer.error_code in _REFUSALS
