"""The status of a request, as the API returns it. Pure."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil

from services.gateway.web import PausedHost, RequestDetails, RequestProgress, WebhookStatus
from shared.contracts.object_keys import public_url
from shared.contracts.records import Request
from shared.contracts.states import RequestStatus

MIN_POLL_SECONDS, MAX_POLL_SECONDS = 1, 30
MAX_PAUSE_SECONDS = 300
_IMAGES_PER_SECOND = 50  # a low estimate for a small installation


def request_details(
    request: Request,
    public_base_url: str,
    paused_hosts: Sequence[PausedHost] = (),
    webhook: WebhookStatus | None = None,
) -> RequestDetails:
    """The details of `request`; the URL of a file is null until the file exists."""
    progress = request.progress

    def url(key: str | None) -> str | None:
        return key and public_url(public_base_url, key)

    return RequestDetails(
        request_id=request.request_id,
        status=request.status,
        error_code=request.error_code,
        cancelling=request.cancelling,
        round=request.round,
        profile=request.catalogue_format.profile,
        options=request.options,
        output_csv_url=url(request.output_key),
        report_url=url(request.report_key),
        failed_csv_url=url(request.failed_key),
        report_json_url=url(request.report_json_key),
        created_at=request.created_at,
        expires_at=request.expires_at,
        updated_at=request.updated_at,
        progress=RequestProgress(
            total=progress.total,
            compressed=progress.compressed,
            failed=progress.failed,
            cancelled=progress.cancelled,
            pending=progress.pending,
            reused=None if request.status is RequestStatus.PENDING else progress.reused,
            as_of=progress.as_of,
        ),
        paused_hosts=list(paused_hosts),
        webhook=webhook,
    )


def retry_after(request: Request, paused_hosts: Sequence[PausedHost], now: datetime) -> int:
    """Seconds after which the status can have changed; more while more images are being processed, few if none is.

    If all pending images wait for paused hosts, that is when the first of the pauses ends, MAX_PAUSE_SECONDS at most.
    """
    if request.cancelling:
        return MIN_POLL_SECONDS
    waiting = sum(host.images for host in paused_hosts if host.until is not None)
    if waiting and waiting >= request.progress.pending and not request.intake_open:
        first = min(host.until for host in paused_hosts if host.until is not None)
        return _bounded(ceil((first - now).total_seconds()), MAX_PAUSE_SECONDS)
    return _bounded((request.progress.pending - waiting) // _IMAGES_PER_SECOND, MAX_POLL_SECONDS)


def _bounded(seconds: int, maximum: int) -> int:
    return min(max(seconds, MIN_POLL_SECONDS), maximum)
