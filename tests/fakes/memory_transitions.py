"""The transitions of images between their states, with the guards of the real collection. Pure."""

from dataclasses import replace
from datetime import datetime

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import ImageCompressed, ImageDeferred, ImageFailed, moment
from shared.contracts.records import CANCELLED_DETAIL
from shared.contracts.states import OPEN_STATES, ImageState
from tests.fakes.memory_tables import ImageRow

Result = ImageCompressed | ImageFailed | ImageDeferred


def accepts_result(row: ImageRow, result: Result) -> bool:
    """Whether the guard of the result's transition holds."""
    if row.image.state not in OPEN_STATES:
        return False
    if isinstance(result, ImageCompressed):
        return True
    of_latest_dispatch = isinstance(result, ImageDeferred) or result.error_code is ErrorCode.WORKER_LOST
    return row.answered < result.dispatch and (row.image.dispatch <= result.dispatch or not of_latest_dispatch)


def after_result(row: ImageRow, result: Result, deadline: datetime | None, now: datetime) -> ImageRow:
    if isinstance(result, ImageDeferred):
        return _after_deferral(row, result, deadline, now)
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


def after_cancel(row: ImageRow, now: datetime) -> ImageRow:
    image = replace(
        row.image,
        state=ImageState.CANCELLED,
        error_code=ErrorCode.CANCELLED,
        error_detail=CANCELLED_DETAIL,
        ended_at=now,
    )
    return replace(row, image=image)


def _after_deferral(row: ImageRow, result: ImageDeferred, deadline: datetime | None, now: datetime) -> ImageRow:
    image = replace(
        row.image,
        state=ImageState.PENDING,
        dispatch=result.dispatch,
        attempts=row.image.attempts + int(result.counts),
        losses=row.image.losses + int(result.lost),
    )
    if result.counts or result.host_fault:
        image = replace(image, error_code=result.error_code, error_detail=result.error_detail)
    if result.tried_host:
        image = replace(image, deadline=min(filter(None, (image.deadline, deadline)), default=None))
    due_at = moment(result.delay, result.not_before, now) or now
    return replace(row, image=image, not_before=due_at, answered=result.dispatch)


def after_retry(row: ImageRow, round_: int, now: datetime) -> ImageRow:
    ended = replace(row.image, deadline=None)
    again = replace(
        row.image,
        state=ImageState.PENDING,
        round=round_,
        dispatch=0,
        attempts=0,
        losses=0,
        deadline=None,
        error_code=None,
        error_detail=None,
        ended_at=None,
    )
    return ImageRow(again, not_before=now, answered=0, earlier=(*row.earlier, ended)[-3:])
