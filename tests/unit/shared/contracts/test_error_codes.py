"""Every error code has a guide with advice, and is retryable if the downloader retries its causes."""

import re
from collections import defaultdict

import pytest

from services.downloader.outcomes import FetchFailure, RetryKind, outcome_of
from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode, Owner

SPECIFIED = (  # by the users; the project may add others
    *("invalid_url", "blocked_address", "dns", "connect", "tls", "timeout", "http_403", "http_404", "http_410"),
    *("http_429", "http_4xx", "http_5xx", "too_large", "not_an_image", "unsupported_format", "too_many_pixels"),
    *("decode_error", "decoder_crashed", "storage", "internal"),
)


def test_the_list_has_all_specified_codes_and_a_guide_for_each() -> None:
    assert set(SPECIFIED) <= set(ErrorCode)
    assert list(ERROR_GUIDES) == list(ErrorCode), "each code needs a guide in ERROR_GUIDES, in the order of ErrorCode"


@pytest.mark.parametrize("code", ErrorCode)
def test_each_guide_fits_a_table_cell(code: ErrorCode) -> None:
    guide = ERROR_GUIDES[code]
    for text in (guide.when, guide.advice):
        assert text.endswith(".")
        assert not set(text) & set("|\n")


@pytest.mark.parametrize(
    "code", [ErrorCode.NOT_READY, ErrorCode.HTTP_403, ErrorCode.HTTP_404, ErrorCode.HTTP_410, ErrorCode.HTTP_429]
)
def test_a_guide_names_the_statuses_that_have_its_code(code: ErrorCode) -> None:
    named = {int(status) for status in re.findall(r"\b[0-9]{3}\b", ERROR_GUIDES[code].when)}
    assert named == {status for status in range(100, 600) if outcome_of(status).code is code}


def test_every_error_of_our_own_is_retryable() -> None:
    assert [code for code, guide in ERROR_GUIDES.items() if guide.owner is Owner.US and not guide.retryable] == []


def retried_causes() -> dict[ErrorCode, set[bool]]:
    """For each code of the downloader, whether it retries the code's causes by the whole schedule."""
    again: dict[ErrorCode, set[bool]] = defaultdict(set)
    for cause in (*FetchFailure, *range(400, 600)):
        outcome = outcome_of(cause)
        again[outcome.code].add(outcome.retry is RetryKind.LATER)
    return again


def test_every_http_refusal_shows_that_the_host_responded() -> None:
    refusals = [outcome_of(status) for status in range(400, 500) if outcome_of(status).retry is RetryKind.NEVER]
    assert [outcome.code for outcome in refusals if not ERROR_GUIDES[outcome.code].host_responded] == []


def test_a_code_is_retryable_if_the_downloader_retries_its_causes() -> None:
    mixed = {code for code, again in retried_causes().items() if len(again) > 1}
    assert mixed == {ErrorCode.DNS, ErrorCode.TLS, ErrorCode.HTTP_4XX}  # for these the usual cause decides
    assert {code: {ERROR_GUIDES[code].retryable} for code in retried_causes() if code not in mixed} == {
        code: again for code, again in retried_causes().items() if code not in mixed
    }
