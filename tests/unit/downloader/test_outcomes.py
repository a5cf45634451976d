"""The decision for each failure of a download."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.downloader.outcomes import (
    Defer,
    Fail,
    FetchFailure,
    FetchRetryPolicy,
    Outcome,
    RetryKind,
    outcome_of,
)
from shared.contracts.error_codes import ErrorCode
from shared.settings import AttemptSettings

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ATTEMPTS = AttemptSettings(fetch_attempts=4, fetch_retry_schedule=(5, 30, 120))
POLICY = FetchRetryPolicy(ATTEMPTS, retry_after_max=600, random=lambda: 0.0)

NEVER = {
    FetchFailure.INVALID_URL: ErrorCode.INVALID_URL,
    FetchFailure.BLOCKED_ADDRESS: ErrorCode.BLOCKED_ADDRESS,
    FetchFailure.NO_SUCH_HOST: ErrorCode.DNS,
    FetchFailure.BAD_CERTIFICATE: ErrorCode.TLS,
    FetchFailure.BAD_REDIRECT: ErrorCode.REDIRECT,
    FetchFailure.TOO_LARGE: ErrorCode.TOO_LARGE,
    FetchFailure.NOT_AN_IMAGE: ErrorCode.NOT_AN_IMAGE,
    204: ErrorCode.NOT_AN_IMAGE,
    206: ErrorCode.NOT_AN_IMAGE,
    300: ErrorCode.REDIRECT,
    304: ErrorCode.REDIRECT,
    400: ErrorCode.HTTP_4XX,
    401: ErrorCode.HTTP_4XX,
    403: ErrorCode.HTTP_403,
    404: ErrorCode.HTTP_404,
    410: ErrorCode.HTTP_410,
    402: ErrorCode.HTTP_4XX,
    451: ErrorCode.HTTP_4XX,
}
LATER = {
    FetchFailure.DNS_UNAVAILABLE: ErrorCode.DNS,
    FetchFailure.NOT_CONNECTED: ErrorCode.CONNECT,
    FetchFailure.CONNECTION_LOST: ErrorCode.CONNECT,
    FetchFailure.INCOMPLETE_BODY: ErrorCode.CONNECT,
    FetchFailure.TLS_FAILED: ErrorCode.TLS,
    FetchFailure.TIMED_OUT: ErrorCode.TIMEOUT,
    FetchFailure.TOO_SLOW: ErrorCode.TIMEOUT,
    FetchFailure.INTERNAL: ErrorCode.INTERNAL,
    202: ErrorCode.NOT_READY,
    408: ErrorCode.HTTP_4XX,
    409: ErrorCode.NOT_READY,
    420: ErrorCode.HTTP_429,
    423: ErrorCode.NOT_READY,
    425: ErrorCode.NOT_READY,
    429: ErrorCode.HTTP_429,
    500: ErrorCode.HTTP_5XX,
    502: ErrorCode.HTTP_5XX,
    503: ErrorCode.HTTP_5XX,
    504: ErrorCode.HTTP_5XX,
    507: ErrorCode.HTTP_5XX,
    509: ErrorCode.HTTP_5XX,
    520: ErrorCode.HTTP_5XX,
    530: ErrorCode.HTTP_5XX,
    599: ErrorCode.HTTP_5XX,
}
ONCE = {
    FetchFailure.BAD_RESPONSE: ErrorCode.BAD_RESPONSE,
    600: ErrorCode.BAD_RESPONSE,
    999: ErrorCode.BAD_RESPONSE,
}


def test_this_test_covers_every_failure() -> None:
    assert {cause for cause in NEVER | LATER | ONCE if isinstance(cause, FetchFailure)} == set(FetchFailure)


@pytest.mark.parametrize(("cause", "code"), NEVER.items())
def test_permanent_failures_are_not_retried(cause: FetchFailure | int, code: ErrorCode) -> None:
    assert outcome_of(cause) == Outcome(code, RetryKind.NEVER)
    assert POLICY.decide(cause, "10", attempt=1, now=NOW) == Fail(code)


@pytest.mark.parametrize(("cause", "code"), LATER.items())
def test_temporary_failures_are_retried_by_the_schedule_until_the_last_attempt(
    cause: FetchFailure | int, code: ErrorCode
) -> None:
    decisions = [POLICY.decide(cause, None, attempt, NOW) for attempt in range(1, 5)]
    waits = [timedelta(seconds=seconds) for seconds in (5, 30, 120)]
    faults_of_one_image = {FetchFailure.INTERNAL, FetchFailure.INCOMPLETE_BODY}
    fault = code not in {ErrorCode.HTTP_4XX, ErrorCode.NOT_READY} and cause not in faults_of_one_image
    assert decisions == [*(Defer(code, wait, fault) for wait in waits), Fail(code, fault)]


@pytest.mark.parametrize(("cause", "code"), ONCE.items())
def test_a_response_that_cannot_be_read_is_requested_once_more_and_is_no_fault_of_the_whole_host(
    cause: FetchFailure | int, code: ErrorCode
) -> None:
    assert POLICY.decide(cause, None, 1, NOW) == Defer(code, timedelta(seconds=5))
    assert POLICY.decide(cause, None, 2, NOW) == Fail(code)
    once = FetchRetryPolicy(AttemptSettings(fetch_attempts=1, fetch_retry_schedule=(5,)), 600, lambda: 0.0)
    assert once.decide(cause, None, 1, NOW) == Fail(code)


@pytest.mark.parametrize("attempt", [1, 4])
@pytest.mark.parametrize(
    ("cause", "seconds"), [(420, 60), (429, 60), (503, 60), (202, None), (500, None), (FetchFailure.TIMED_OUT, None)]
)
def test_retry_after_of_an_overloaded_host_applies_to_the_whole_host(
    cause: FetchFailure | int, seconds: int | None, attempt: int
) -> None:
    decision = POLICY.decide(cause, "60", attempt, NOW)
    assert decision.host_pause == (timedelta(seconds=seconds) if seconds else None)


@pytest.mark.parametrize(("cause", "code"), LATER.items())
def test_the_last_try_fails_whatever_its_number(cause: FetchFailure | int, code: ErrorCode) -> None:
    decision = POLICY.decide(cause, None, 1, NOW, last=True)
    assert isinstance(decision, Fail)
    assert decision.code is code


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 3))
def test_jitter_lengthens_a_delay_by_at_most_a_fifth(fraction: float, attempt: int) -> None:
    decision = FetchRetryPolicy(ATTEMPTS, 600, lambda: fraction).decide(503, None, attempt, NOW)
    assert isinstance(decision, Defer)
    wait = ATTEMPTS.delay_after(attempt)
    assert wait <= decision.delay <= wait * 1.2


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("20", 20),
        (" 20 ", 20),
        ("1", 5),  # shorter than the schedule: it would use up the attempts at once
        ("0", 5),
        ("599", 599),
        ("601", 600),
        ("9" * 5000, 600),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 5),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), 600),
        ("Mon, 05 Jan 2026 12:01:40 -0000", 100),
        ("Mon, 05 Jan 2026 13:01:40 +0100", 100),
        ("Mon, 05 Jan 99999999 12:01:40 GMT", 5),
        ("soon", 5),
        ("-5", 5),
        ("1.5", 5),
        ("٣٠", 5),
        ("", 5),
        (None, 5),
    ],
)
def test_retry_after_lengthens_the_delay_up_to_a_limit(retry_after: str | None, seconds: float) -> None:
    for cause in (429, 503, 202, 409, 423, 425, 408):
        decision = POLICY.decide(cause, retry_after, attempt=1, now=NOW)
        assert isinstance(decision, Defer)
        assert decision.delay == timedelta(seconds=seconds)


@given(st.integers(100, 999))
def test_every_status_has_an_outcome(status: int) -> None:
    assert outcome_of(status).code in ErrorCode
