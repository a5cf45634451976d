"""The most specific override applies, and the defaults for what it leaves out."""

import pytest

from services.gateway.dispatch.host_rules import HostRulebook, HostRules
from services.gateway.host_limits_file import HostOverride

DEFAULTS = HostRules(start=8, maximum=64, rate=0)
RULEBOOK = HostRulebook(
    DEFAULTS,
    {
        "*.example": HostOverride(rate=1),
        "*.cdn.example": HostOverride(max=4),
        "fast.cdn.example": HostOverride(start=100, max=200),
        "fast.cdn.example:8080": HostOverride(rate=7),
    },
)


@pytest.mark.parametrize(
    ("host", "rules"),
    [
        ("other.test", DEFAULTS),
        ("example", DEFAULTS),
        ("myexample", DEFAULTS),
        ("shop.example", HostRules(8, 64, 1)),
        ("cdn.example", HostRules(8, 64, 1)),
        ("shop.example:8443", HostRules(8, 64, 1)),
        ("a.cdn.example", HostRules(4, 4, 0)),
        ("a.b.cdn.example", HostRules(4, 4, 0)),
        ("fast.cdn.example", HostRules(100, 200, 0)),
        ("fast.cdn.example:8080", HostRules(8, 64, 7)),
        ("fast.cdn.example:8081", HostRules(4, 4, 0)),
        ("[2001:db8::1]:8080", DEFAULTS),
        ("", DEFAULTS),
    ],
)
def test_the_most_specific_pattern_applies(host: str, rules: HostRules) -> None:
    assert RULEBOOK.rules_of(host) == rules


def test_without_overrides_the_defaults_apply() -> None:
    assert HostRulebook(DEFAULTS, {}).rules_of("shop.example") == DEFAULTS
