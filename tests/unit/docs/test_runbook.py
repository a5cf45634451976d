"""The example of a file of host limits in docs/runbook.md is read as the runbook says."""

import re

from services.gateway.dispatch.host_rules import HostRulebook, HostRules
from services.gateway.host_limits_file import parse_host_limits
from tests.support.tree import ROOT


def test_the_example_of_host_limits() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.DOTALL)
    usual = HostRules(start=8, maximum=64, rate=0)
    rules_of = HostRulebook(usual, parse_host_limits(example)).rules_of
    assert rules_of("images.example") == HostRules(start=32, maximum=200, rate=0)
    assert rules_of("a.small-shops.example:8080") == HostRules(start=2, maximum=2, rate=0.5)
    assert rules_of("small-shops.example") == rules_of("other.example") == usual
