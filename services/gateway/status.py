"""What the API says of a request. Pure."""

from services.gateway.schemas import ProgressAnswer, StatusAnswer
from shared.contracts.object_keys import public_url
from shared.contracts.records import Progress, Request

_SOONEST_SECONDS, _LATEST_SECONDS = 1, 30
_IMAGES_PER_SECOND = 50  # a careful guess at what a small installation does


def status_answer(request: Request, public_base_url: str) -> StatusAnswer:
    """`request` as the API says it; URLs only of what is there to be fetched."""
    progress = request.progress
    return StatusAnswer(
        request_id=request.request_id,
        status=request.status,
        options=request.options,
        output_csv_url=request.output_key and public_url(public_base_url, request.output_key),
        report_url=request.report_key and public_url(public_base_url, request.report_key),
        created_at=request.created_at,
        updated_at=request.updated_at,
        progress=ProgressAnswer(
            total=progress.total,
            compressed=progress.compressed,
            failed=progress.failed,
            pending=progress.pending,
            as_of=progress.as_of,
        ),
    )


def retry_after(progress: Progress) -> int:
    """Seconds after which asking again may tell something new: soon where little is left, seldom where much is."""
    return min(max(progress.pending // _IMAGES_PER_SECOND, _SOONEST_SECONDS), _LATEST_SECONDS)
