"""What each way in which a download can go wrong means for the image. Pure, and the only place that decides it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.contracts.error_codes import ErrorCode
from shared.retry_after import retry_after_seconds
from shared.settings import AttemptSettings


class FetchFailure(Enum):
    """What went wrong, other than a status that is no success."""

    INVALID_URL = auto()
    BLOCKED_ADDRESS = auto()
    NO_SUCH_HOST = auto()
    NAME_SERVERS_SILENT = auto()
    NOT_CONNECTED = auto()  # refused, unreachable
    CUT_OFF = auto()  # reset, or ended before its end
    BAD_CERTIFICATE = auto()
    NO_TLS = auto()  # any other fault of the handshake
    TOO_SLOW = auto()
    BAD_REDIRECT = auto()  # too many, or one that leads nowhere
    TOO_LARGE = auto()
    NOT_AN_IMAGE = auto()
    HOST_BUSY = auto()  # with requests of our own
    INTERNAL = auto()


class Again(Enum):
    """Whether to try again."""

    NEVER = auto()
    LATER = auto()  # while attempts are left
    SOON = auto()  # it was not the host's fault, and uses up no attempt


@dataclass(frozen=True, slots=True)
class Outcome:
    """host_fault: it says that the host is in trouble, whatever image was asked for."""

    code: ErrorCode
    again: Again
    host_fault: bool = False


_OUTCOMES: Mapping[FetchFailure | int, Outcome] = {
    FetchFailure.INVALID_URL: Outcome(ErrorCode.INVALID_URL, Again.NEVER),
    FetchFailure.BLOCKED_ADDRESS: Outcome(ErrorCode.BLOCKED_ADDRESS, Again.NEVER),
    FetchFailure.NO_SUCH_HOST: Outcome(ErrorCode.DNS, Again.NEVER),
    FetchFailure.NAME_SERVERS_SILENT: Outcome(ErrorCode.DNS, Again.LATER, host_fault=True),
    FetchFailure.NOT_CONNECTED: Outcome(ErrorCode.CONNECT, Again.LATER, host_fault=True),
    FetchFailure.CUT_OFF: Outcome(ErrorCode.CONNECT, Again.LATER, host_fault=True),
    FetchFailure.BAD_CERTIFICATE: Outcome(ErrorCode.TLS, Again.NEVER),
    FetchFailure.NO_TLS: Outcome(ErrorCode.TLS, Again.LATER, host_fault=True),
    FetchFailure.TOO_SLOW: Outcome(ErrorCode.TIMEOUT, Again.LATER, host_fault=True),
    FetchFailure.BAD_REDIRECT: Outcome(ErrorCode.REDIRECT, Again.NEVER),
    FetchFailure.TOO_LARGE: Outcome(ErrorCode.TOO_LARGE, Again.NEVER),
    FetchFailure.NOT_AN_IMAGE: Outcome(ErrorCode.NOT_AN_IMAGE, Again.NEVER),
    FetchFailure.HOST_BUSY: Outcome(ErrorCode.CONNECT, Again.SOON),
    FetchFailure.INTERNAL: Outcome(ErrorCode.INTERNAL, Again.LATER),
    403: Outcome(ErrorCode.HTTP_403, Again.NEVER),
    404: Outcome(ErrorCode.HTTP_404, Again.NEVER),
    408: Outcome(ErrorCode.HTTP_4XX, Again.LATER),  # request timeout
    410: Outcome(ErrorCode.HTTP_410, Again.NEVER),
    425: Outcome(ErrorCode.HTTP_4XX, Again.LATER),  # too early
    429: Outcome(ErrorCode.HTTP_429, Again.LATER, host_fault=True),
}
_OUTCOME_OF_CLASS: Mapping[int, Outcome] = {
    2: Outcome(ErrorCode.NOT_AN_IMAGE, Again.NEVER),  # no content, or a part that nobody asked for
    3: Outcome(ErrorCode.REDIRECT, Again.NEVER),
    4: Outcome(ErrorCode.HTTP_4XX, Again.NEVER),
    5: Outcome(ErrorCode.HTTP_5XX, Again.LATER, host_fault=True),
}
_SOON_SECONDS = (5.0, 15.0)
_JITTER = 0.2
_ASKS_FOR_REST = frozenset({429, 503})  # whose Retry-After is for all that we want of the host


def outcome_of(cause: FetchFailure | int) -> Outcome:
    """What `cause`, a trouble or the status of an answer that is no success, means."""
    if isinstance(cause, int) and cause not in _OUTCOMES:
        return _OUTCOME_OF_CLASS.get(cause // 100, _OUTCOMES[FetchFailure.CUT_OFF])
    return _OUTCOMES[cause]


@dataclass(frozen=True, slots=True)
class Fail:
    """No further attempt. See Defer for the rest."""

    code: ErrorCode
    host_fault: bool = False
    host_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Defer:
    """Another attempt, not before `not_before`. `counts`: whether this one is used up.

    host_fault: see Outcome. host_until: when the host, by its answer, may be asked again for anything.
    """

    code: ErrorCode
    not_before: datetime
    counts: bool
    host_fault: bool = False
    host_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """How often and when to try again.

    retry_after_max: the longest wait, in seconds, that a host can impose.
    draw: a number from 0 up to 1, for jitter.
    """

    attempts: AttemptSettings
    retry_after_max: float
    draw: Callable[[], float]

    def decide(self, cause: FetchFailure | int, retry_after: str | None, attempt: int, now: datetime) -> Fail | Defer:
        """What becomes of an image whose attempt number `attempt` ended with `cause` at `now`.

        `retry_after` is the answer's header of that name. It can lengthen the wait of the schedule, not shorten it:
        a host that says "in a second" each time would soon have used up all attempts.
        """
        outcome = outcome_of(cause)
        if outcome.again is Again.SOON:
            low, high = _SOON_SECONDS
            return Defer(outcome.code, now + timedelta(seconds=low + self.draw() * (high - low)), counts=False)
        if outcome.again is Again.NEVER:
            return Fail(outcome.code)
        asked = timedelta(seconds=min(retry_after_seconds(retry_after, now), self.retry_after_max))
        stretch = 1 + _JITTER * self.draw()
        host_until = now + asked * stretch if asked and cause in _ASKS_FOR_REST else None
        if attempt >= self.attempts.fetch_attempts:
            return Fail(outcome.code, outcome.host_fault, host_until)
        not_before = now + max(self.attempts.delay_after(attempt), asked) * stretch
        return Defer(outcome.code, not_before, True, outcome.host_fault, host_until)
