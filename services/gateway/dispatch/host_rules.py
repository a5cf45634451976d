"""Which limits apply to an image host. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.gateway.host_limits_file import BELOW, HostOverride, HostOverrides


@dataclass(frozen=True, slots=True)
class HostRules:
    """The limits of one host, over all downloaders."""

    start: int
    """Concurrent downloads while nothing is known of the host."""
    maximum: int
    """Concurrent downloads at most."""
    rate: float
    """Downloads per second at most; 0 for no limit."""


class HostRulebook:
    """The rules of each host: the most specific override, and the defaults for what it leaves out."""

    def __init__(self, defaults: HostRules, overrides: HostOverrides) -> None:
        self._defaults = defaults
        self._rules = {pattern: self._with_defaults(override) for pattern, override in overrides.items()}

    def _with_defaults(self, override: HostOverride) -> HostRules:
        maximum = self._defaults.maximum if override.max is None else override.max
        return HostRules(
            # A maximum below the usual start is meant for the start too.
            start=min(self._defaults.start if override.start is None else override.start, maximum),
            maximum=maximum,
            rate=self._defaults.rate if override.rate is None else override.rate,
        )

    def rules_of(self, host: str) -> HostRules:
        """`host`: as in `Image.host`."""
        if not self._rules:
            return self._defaults
        return next((self._rules[pattern] for pattern in _patterns(host) if pattern in self._rules), self._defaults)


def _patterns(host: str) -> Iterator[str]:
    """The patterns that match a host, the most specific one first."""
    yield host
    domain = host.rpartition(":")[0] or host
    while domain:
        _, _, domain = domain.partition(".")
        yield BELOW + domain
