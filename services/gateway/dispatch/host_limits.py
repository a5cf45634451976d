"""How many downloads a host gets at once: adaptive limits, as TCP finds the capacity of a path. Pure.

A host starts at a polite number. In slow start (Jacobson, Congestion Avoidance and Control, 1988) each healthy download
adds one, which doubles the limit per round. A refusal halves it; from then on it grows by one per round. This additive
increase with multiplicative decrease converges to equal shares beside other clients of the host (Chiu & Jain, 1989).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from services.gateway.dispatch.host_rules import HostRules
from services.gateway.dispatch.token_bucket import TokenBucket

BURST_SECONDS = 0.2
"""A burst has as many downloads as the rate allows in this time."""
IDLE_SECONDS = 300.0
"""A host without traffic for so long is forgotten: it may have changed."""
IN_USE = 0.75
"""The limit is in use at this share of it. Below, a healthy host says nothing about more downloads."""
LEVEL_FACTOR = 2.0
LEVEL_MS = 50.0
"""Latency is level up to the factor times the baseline plus these milliseconds: a healthy host varies that much with
the size of a picture and its own cache, and a host in our own network by milliseconds that mean nothing."""
SAMPLE_WEIGHT = 1 / 8
"""Of a new sample in the short average of latency; TCP's gain for its round-trip time (RFC 6298)."""
PROMPT_SECONDS = 2.0
"""A download that takes longer, whatever its end, occupies its slot for so long that such hosts get only a share."""
BASELINE_SECONDS = 300.0
"""The baseline rises by a factor e in this time, so that a host that has become slower is measured anew."""


@dataclass(slots=True)
class _Latency:
    """Milliseconds to the first byte."""

    short: float = 0
    baseline: float = 0
    sampled_at: float | None = None

    def add(self, first_byte_ms: int, now: float) -> None:
        if self.sampled_at is None:
            self.short = self.baseline = first_byte_ms
        else:
            self.short += SAMPLE_WEIGHT * (first_byte_ms - self.short)
            self.baseline *= 1 + max(0.0, now - self.sampled_at) / BASELINE_SECONDS
            self.baseline = min(self.short, self.baseline)
        self.sampled_at = now

    @property
    def level(self) -> bool:
        return self.short <= LEVEL_FACTOR * self.baseline + LEVEL_MS


@dataclass(slots=True)
class _Host:
    rules: HostRules
    limit: float
    bucket: TokenBucket | None
    used_at: float
    slow_start: bool = True
    cut_at: float = float("-inf")
    full_at: float = float("-inf")
    """When the limit was last in use."""
    latency: _Latency = field(default_factory=_Latency)
    prompt: bool = False
    """See `HostLimits.is_prompt`."""


class HostLimits:
    """The limits of all hosts with traffic. Times are seconds of one clock that does not go backwards."""

    def __init__(self, rules_of: Callable[[str], HostRules]) -> None:
        self._rules_of = rules_of
        self._hosts: dict[str, _Host] = {}

    def room(self, host: str, in_flight: int, now: float) -> int:
        """How many more downloads may start now, if `in_flight` use the host."""
        known = self._hosts.get(host)
        if known is None:
            rules = self._rules_of(host)
            room = rules.start - in_flight
            return max(0, min(room, _burst(rules)) if rules.rate else room)
        room = max(0, int(known.limit) - in_flight)
        return room if known.bucket is None else min(room, known.bucket.tokens(now))

    def next_at(self, host: str, now: float) -> float | None:
        """When the rate allows the next download; None if the rate does not forbid one now."""
        known = self._hosts.get(host)
        if known is None or known.bucket is None or known.bucket.tokens(now):
            return None
        return known.bucket.next_at(now)

    def is_prompt(self, host: str) -> bool:
        """Whether the last response or refusal came within `PROMPT_SECONDS`, and no later download has taken longer."""
        known = self._hosts.get(host)
        return known is not None and known.prompt

    def sent(self, host: str, now: float) -> None:
        """A download was dispatched."""
        known = self._known(host, now)
        if known.bucket is not None:
            known.bucket.take(now)

    def ended(
        self, host: str, *, sent_at: float, in_flight: int, first_byte_ms: int | None, refused: bool, now: float
    ) -> None:
        """A download that was dispatched at `sent_at` has ended.

        in_flight: the downloads at the host when it ended, itself included.
        first_byte_ms: milliseconds to the first byte of the response; None without a response.
        refused: the host wants fewer requests.
        A quick failure that is neither a response nor a refusal changes nothing: the host may not have been asked.
        """
        known = self._known(host, now)
        if now - sent_at > PROMPT_SECONDS:
            known.prompt = False
        elif refused or first_byte_ms is not None:
            known.prompt = True
        if refused:
            _cut(known, sent_at, now)
            return
        if first_byte_ms is None:
            return
        known.latency.add(first_byte_ms, now)
        if in_flight >= IN_USE * int(known.limit):  # of a limit of 2.9 two can run, so two use it
            known.full_at = now
        # Downloads that end together find ever fewer in flight: what counts is the use of the limit while they ran.
        in_use = known.full_at >= sent_at
        if in_use and known.latency.level and sent_at > known.cut_at:
            _grow(known)

    def forget_idle(self, now: float) -> None:
        """Forget the hosts without traffic for some minutes. A rate is kept until its bucket is full."""
        self._hosts = {host: known for host, known in self._hosts.items() if not _is_idle(known, now)}

    def _known(self, host: str, now: float) -> _Host:
        known = self._hosts.get(host)
        if known is None:
            known = self._hosts[host] = self._new(host, now)
        known.used_at = now
        return known

    def _new(self, host: str, now: float) -> _Host:
        rules = self._rules_of(host)
        bucket = TokenBucket(rules.rate, _burst(rules)) if rules.rate else None
        return _Host(rules, rules.start, bucket, now)


def _burst(rules: HostRules) -> int:
    return max(1, round(rules.rate * BURST_SECONDS))


def _grow(host: _Host) -> None:
    host.limit = min(host.rules.maximum, host.limit + (1 if host.slow_start else 1 / host.limit))


def _cut(host: _Host, sent_at: float, now: float) -> None:
    """Halve the limit, once per round: a download sent before the last cut says nothing about the smaller limit."""
    if sent_at > host.cut_at:
        host.limit = max(1.0, host.limit / 2)
        host.cut_at = now
        host.slow_start = False


def _is_idle(host: _Host, now: float) -> bool:
    return now - host.used_at > IDLE_SECONDS and (host.bucket is None or host.bucket.full_at <= now)
