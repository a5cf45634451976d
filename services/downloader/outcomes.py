"""Decides what each failure of a download means for its image: retry or fail. The only place that does. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.contracts.error_codes import ErrorCode
from shared.retry_after import retry_after_seconds
from shared.settings import AttemptSettings


class FetchFailure(Enum):
    """The causes of a failed download, other than an HTTP status."""

    INVALID_URL = auto()
    BLOCKED_ADDRESS = auto()
    NO_SUCH_HOST = auto()
    DNS_UNAVAILABLE = auto()  # the name servers did not answer
    NOT_CONNECTED = auto()  # refused or unreachable
    CONNECTION_LOST = auto()  # reset, or closed before the end of the head
    INCOMPLETE_BODY = auto()  # the host ended the response, and its body has no end
    BAD_RESPONSE = auto()  # a head or a body that violates HTTP
    BAD_CERTIFICATE = auto()
    TLS_FAILED = auto()  # any other error of the handshake
    TIMED_OUT = auto()
    TOO_SLOW = auto()  # below the minimum speed
    BAD_REDIRECT = auto()  # too many, or to an invalid URL
    TOO_LARGE = auto()
    NOT_AN_IMAGE = auto()
    INTERNAL = auto()


class RetryKind(Enum):
    """Whether and how a failed download is retried."""

    NEVER = auto()
    ONCE = auto()  # a second attempt: a fault that repeats is not temporary
    LATER = auto()  # by the schedule, while attempts are left


@dataclass(frozen=True, slots=True)
class Outcome:
    """host_fault: whether the failure shows that the whole host has a problem, not only this image."""

    code: ErrorCode
    retry: RetryKind
    host_fault: bool = False


_OUTCOMES: Mapping[FetchFailure | int, Outcome] = {
    FetchFailure.INVALID_URL: Outcome(ErrorCode.INVALID_URL, RetryKind.NEVER),
    FetchFailure.BLOCKED_ADDRESS: Outcome(ErrorCode.BLOCKED_ADDRESS, RetryKind.NEVER),
    FetchFailure.NO_SUCH_HOST: Outcome(ErrorCode.DNS, RetryKind.NEVER),
    FetchFailure.DNS_UNAVAILABLE: Outcome(ErrorCode.DNS, RetryKind.LATER, host_fault=True),
    FetchFailure.NOT_CONNECTED: Outcome(ErrorCode.CONNECT, RetryKind.LATER, host_fault=True),
    FetchFailure.CONNECTION_LOST: Outcome(ErrorCode.CONNECT, RetryKind.LATER, host_fault=True),
    FetchFailure.INCOMPLETE_BODY: Outcome(ErrorCode.CONNECT, RetryKind.LATER),  # perhaps a broken file or script
    FetchFailure.BAD_RESPONSE: Outcome(ErrorCode.BAD_RESPONSE, RetryKind.ONCE),
    FetchFailure.BAD_CERTIFICATE: Outcome(ErrorCode.TLS, RetryKind.NEVER),
    FetchFailure.TLS_FAILED: Outcome(ErrorCode.TLS, RetryKind.LATER, host_fault=True),
    FetchFailure.TIMED_OUT: Outcome(ErrorCode.TIMEOUT, RetryKind.LATER, host_fault=True),
    FetchFailure.TOO_SLOW: Outcome(ErrorCode.TIMEOUT, RetryKind.LATER, host_fault=True),
    FetchFailure.BAD_REDIRECT: Outcome(ErrorCode.REDIRECT, RetryKind.NEVER),
    FetchFailure.TOO_LARGE: Outcome(ErrorCode.TOO_LARGE, RetryKind.NEVER),
    FetchFailure.NOT_AN_IMAGE: Outcome(ErrorCode.NOT_AN_IMAGE, RetryKind.NEVER),
    FetchFailure.INTERNAL: Outcome(ErrorCode.INTERNAL, RetryKind.LATER),
    202: Outcome(ErrorCode.NOT_READY, RetryKind.LATER),  # accepted: the image is being made
    403: Outcome(ErrorCode.HTTP_403, RetryKind.NEVER),
    404: Outcome(ErrorCode.HTTP_404, RetryKind.NEVER),
    408: Outcome(ErrorCode.HTTP_4XX, RetryKind.LATER),  # request timeout
    409: Outcome(ErrorCode.NOT_READY, RetryKind.LATER),  # conflict: another request makes it
    410: Outcome(ErrorCode.HTTP_410, RetryKind.NEVER),
    420: Outcome(ErrorCode.HTTP_429, RetryKind.LATER, host_fault=True),  # what some hosts send for 429
    423: Outcome(ErrorCode.NOT_READY, RetryKind.LATER),  # locked
    425: Outcome(ErrorCode.NOT_READY, RetryKind.LATER),  # too early
    429: Outcome(ErrorCode.HTTP_429, RetryKind.LATER, host_fault=True),
}
_OUTCOME_OF_CLASS: Mapping[int, Outcome] = {
    2: Outcome(ErrorCode.NOT_AN_IMAGE, RetryKind.NEVER),  # no content, or an unrequested part
    3: Outcome(ErrorCode.REDIRECT, RetryKind.NEVER),
    4: Outcome(ErrorCode.HTTP_4XX, RetryKind.NEVER),
    5: Outcome(ErrorCode.HTTP_5XX, RetryKind.LATER, host_fault=True),
}
_JITTER = 0.2
_ATTEMPTS_FOR_ONCE = 2
_RETRY_AFTER_OF_HOST = frozenset({420, 429, 503})  # statuses whose Retry-After applies to all requests to the host


def outcome_of(cause: FetchFailure | int) -> Outcome:
    """The outcome for `cause`, a FetchFailure or the status of an unsuccessful response."""
    if isinstance(cause, int) and cause not in _OUTCOMES:
        return _OUTCOME_OF_CLASS.get(cause // 100, _OUTCOMES[FetchFailure.BAD_RESPONSE])
    return _OUTCOMES[cause]


@dataclass(frozen=True, slots=True)
class Fail:
    """No further attempt. See Defer for the other fields."""

    code: ErrorCode
    host_fault: bool = False
    host_pause: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Defer:
    """Another attempt after `delay`.

    host_fault: see Outcome. host_pause: how long the host wants no requests at all, by Retry-After.
    """

    code: ErrorCode
    delay: timedelta
    host_fault: bool = False
    host_pause: timedelta | None = None


@dataclass(frozen=True, slots=True)
class FetchRetryPolicy:
    """Decides whether and when a failed download is retried.

    retry_after_max: maximum wait, in seconds, that a host's Retry-After can impose; a longer one is cut to it.
    random: returns a number of at least 0 and less than 1, for jitter.
    """

    attempts: AttemptSettings
    retry_after_max: float
    random: Callable[[], float]

    def decide(
        self, cause: FetchFailure | int, retry_after: str | None, attempt: int, now: datetime, *, last: bool = False
    ) -> Fail | Defer:
        """The decision for an image whose attempt number `attempt` failed with `cause` at `now`.

        `last`: whether there is no other attempt, whatever its number. `retry_after` is the response's header. It can
        lengthen the delay of the schedule but not shorten it: a host that always says "1 second" would use up all
        attempts at once.
        """
        outcome = outcome_of(cause)
        if outcome.retry is RetryKind.NEVER:
            return Fail(outcome.code)
        requested = timedelta(seconds=min(retry_after_seconds(retry_after, now), self.retry_after_max))
        jitter = 1 + _JITTER * self.random()
        host_pause = requested * jitter if requested and cause in _RETRY_AFTER_OF_HOST else None
        attempts = self.attempts.fetch_attempts if outcome.retry is RetryKind.LATER else _ATTEMPTS_FOR_ONCE
        if last or attempt >= min(attempts, self.attempts.fetch_attempts):
            return Fail(outcome.code, outcome.host_fault, host_pause)
        delay = max(self.attempts.delay_after(attempt), requested) * jitter
        return Defer(outcome.code, delay, outcome.host_fault, host_pause)
