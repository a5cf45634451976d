"""Every reason for a failure says what to do about it."""

from collections import defaultdict

import pytest

from services.downloader.outcomes import FetchFailure, RetryKind, outcome_of
from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode, Owner

ASKED_FOR = (
    *("invalid_url", "blocked_address", "dns", "connect", "tls", "timeout", "http_403", "http_404", "http_410"),
    *("http_429", "http_4xx", "http_5xx", "too_large", "not_an_image", "unsupported_format", "too_many_pixels"),
    *("decode_error", "decoder_crashed", "storage", "internal"),
)


def test_the_list_has_what_was_promised() -> None:
    assert set(ASKED_FOR) <= set(ErrorCode)
    assert list(ERROR_GUIDES) == list(ErrorCode)


@pytest.mark.parametrize("code", ErrorCode)
def test_each_code_is_explained_in_a_cell_of_a_table(code: ErrorCode) -> None:
    guide = ERROR_GUIDES[code]
    for text in (guide.when, guide.advice):
        assert text.endswith(".")
        assert not set(text) & set("|\n")


def test_our_own_faults_can_always_be_retried() -> None:
    assert [code for code, guide in ERROR_GUIDES.items() if guide.owner is Owner.US and not guide.retryable] == []


def decided() -> dict[ErrorCode, set[bool]]:
    """For each code of the downloader, whether its causes are tried again."""
    again: dict[ErrorCode, set[bool]] = defaultdict(set)
    for cause in (*FetchFailure, *range(400, 600)):
        outcome = outcome_of(cause)
        again[outcome.code].add(outcome.retry is not RetryKind.NEVER)
    return again


def test_what_can_be_retried_is_what_the_downloader_tries_again() -> None:
    mixed = {code for code, again in decided().items() if len(again) > 1}
    assert mixed == {ErrorCode.DNS, ErrorCode.TLS, ErrorCode.HTTP_4XX}  # for these the usual cause decides
    assert {code: {ERROR_GUIDES[code].retryable} for code in decided() if code not in mixed} == {
        code: again for code, again in decided().items() if code not in mixed
    }
