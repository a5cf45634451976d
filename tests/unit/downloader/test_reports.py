"""What a downloader reports to the dispatcher."""

from collections.abc import Sequence

import pytest

from services.downloader.reports import DownloadReports
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import DownloadImage, EndedDownload, ImageDeferred, ImageFailed
from shared.errors import StorageUnavailable
from shared.messaging import Handler, Outgoing
from tests.support.builders import an_image
from tests.support.worker_messages import compress, deferred, download, failed

IMAGE = an_image("http://shop.test/1.jpg", "r1", dispatch=2)


async def report_of(
    handle: Handler, reports: list[EndedDownload], first_byte_ms: int | None = None, status: int | None = None
) -> None:
    reporting = DownloadReports(reports.append)

    async def with_first_byte(command: DownloadImage) -> Sequence[Outgoing]:
        if first_byte_ms is not None:
            reporting.responded(command, first_byte_ms, status)
        return await handle(command)

    await reporting.reporting(with_first_byte)(download(IMAGE))


def answering(*answer: Outgoing) -> Handler:
    async def handle(_: DownloadImage) -> Sequence[Outgoing]:
        return answer

    return handle


async def test_a_download_whose_picture_goes_to_a_compressor() -> None:
    reports: list[EndedDownload] = []
    await report_of(answering(compress(IMAGE)), reports, first_byte_ms=12)
    [report] = reports
    run = {"request_id", "image_id", "round", "dispatch"}
    assert report.model_dump(include=run) == download(IMAGE).model_dump(include=run)
    assert (report.compresses, report.first_byte_ms, report.refused) == (True, 12, False)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (deferred(IMAGE, error_code=ErrorCode.HTTP_429, host_fault=True), True),
        (deferred(IMAGE, error_code=ErrorCode.TIMEOUT, host_fault=True), True),
        (failed(IMAGE, error_code=ErrorCode.CONNECT, host_fault=True), True),
        (deferred(IMAGE, error_code=ErrorCode.TIMEOUT, host_fault=False), False),  # of a host it redirected to
        (deferred(IMAGE, error_code=ErrorCode.TLS, host_fault=True), False),
        (failed(IMAGE, error_code=ErrorCode.HTTP_404), False),
    ],
)
async def test_a_host_refuses_if_it_wants_fewer_requests(answer: ImageDeferred | ImageFailed, refused: bool) -> None:
    reports: list[EndedDownload] = []
    await report_of(answering(answer), reports)
    assert [(each.compresses, each.refused) for each in reports] == [(False, refused)]


@pytest.mark.parametrize(
    ("status", "first_byte_ms", "refused"), [(500, None, False), (502, None, False), (503, None, True), (404, 9, False)]
)
async def test_of_server_errors_only_503_asks_for_fewer_requests_and_none_counts_as_healthy(
    status: int, first_byte_ms: int | None, refused: bool
) -> None:
    reports: list[EndedDownload] = []
    code = ErrorCode.HTTP_404 if status == 404 else ErrorCode.HTTP_5XX
    answer = deferred(IMAGE, error_code=code, host_fault=status != 404)
    await report_of(answering(answer), reports, first_byte_ms=9, status=status)
    assert [(each.first_byte_ms, each.refused) for each in reports] == [(first_byte_ms, refused)]


async def test_a_dropped_command_is_reported_and_one_that_waits_for_the_store_is_not() -> None:
    reports: list[EndedDownload] = []
    await report_of(answering(), reports)
    assert [(each.compresses, each.first_byte_ms, each.refused) for each in reports] == [(False, None, False)]

    async def without_store(_: DownloadImage) -> Sequence[Outgoing]:
        raise StorageUnavailable("gone")

    with pytest.raises(StorageUnavailable):
        await report_of(without_store, reports)
    assert len(reports) == 1
