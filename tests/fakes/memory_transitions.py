"""The transitions of images between their states, with the guards of the real collection. Pure."""

from dataclasses import replace
from datetime import datetime

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressImage, DownloadImage, ImageCompressed, ImageDeferred, ImageFailed
from shared.contracts.records import Image
from shared.contracts.states import OPEN_STATES, ImageState
from tests.fakes.memory_tables import ImageRow

Result = ImageCompressed | ImageFailed | ImageDeferred
Command = DownloadImage | CompressImage


def accepts_result(row: ImageRow, result: Result) -> bool:
    """Whether the guard of the result's transition holds."""
    return row.image.state in OPEN_STATES and (not isinstance(result, ImageDeferred) or _is_unanswered(row, result))


def accepts_loss(row: ImageRow, command: Command) -> bool:
    """Whether the guard of a dead-lettered command's transition holds."""
    return row.image.state in OPEN_STATES and _is_unanswered(row, command)


def _is_unanswered(row: ImageRow, message: ImageDeferred | Command) -> bool:
    return row.image.dispatch <= message.dispatch and row.answered < message.dispatch


def after_result(row: ImageRow, result: Result, now: datetime) -> ImageRow:
    if isinstance(result, ImageDeferred):
        image = replace(
            row.image,
            state=ImageState.PENDING,
            dispatch=result.dispatch,
            attempts=row.image.attempts + int(result.counts),
            error_code=result.error_code,
            error_detail=result.error_detail,
        )
        return replace(row, image=image, not_before=result.not_before, answered=result.dispatch)
    ended = replace(row.image, attempts=result.attempt, ended_at=now)
    if isinstance(result, ImageCompressed):
        image = replace(ended, state=ImageState.COMPRESSED, result=result.result, error_code=None, error_detail=None)
        if result.reuse_key:
            image = replace(image, etag=result.etag, last_modified=result.last_modified, reuse_key=result.reuse_key)
    else:
        image = replace(ended, state=ImageState.FAILED, error_code=result.error_code, error_detail=result.error_detail)
        if result.error_code is ErrorCode.INVALID_URL:
            image = replace(image, host="")
    return replace(row, image=image)


def after_loss(row: ImageRow, command: Command, now: datetime) -> ImageRow:
    image = replace(
        row.image,
        state=ImageState.FAILED if row.lost else ImageState.PENDING,
        dispatch=command.dispatch,
        ended_at=now if row.lost else None,
        error_code=ErrorCode.WORKER_LOST,
        error_detail=f"its {type(command).__name__} command was dead-lettered",
    )
    return replace(row, image=image, not_before=now, answered=command.dispatch, lost=row.lost + 1)


def after_retry(image: Image, round_: int, deadline: datetime, now: datetime) -> ImageRow:
    again = replace(
        image,
        state=ImageState.PENDING,
        round=round_,
        dispatch=0,
        attempts=0,
        deadline=deadline,
        error_code=None,
        error_detail=None,
        ended_at=None,
    )
    return ImageRow(again, not_before=now, answered=0)
