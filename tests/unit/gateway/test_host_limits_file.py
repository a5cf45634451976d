"""The file of host limits: what it may say, and that all its faults are found at once."""

import pytest

from services.gateway.host_limits_file import HostOverride, parse_host_limits


def test_hosts_are_written_as_in_urls() -> None:
    overrides = parse_host_limits(
        """
        ["Shop.Example"]
        max = 4
        ["*.Bücher.example"]
        rate = 2
        ["plain.example:80"]
        start = 1
        ["[2001:db8::1]:8080"]
        """
    )
    assert overrides == {
        "shop.example": HostOverride(max=4),
        "*.xn--bcher-kva.example": HostOverride(rate=2),
        "plain.example:80": HostOverride(start=1),
        "[2001:db8::1]:8080": HostOverride(),
    }


def test_all_faults_are_reported_with_table_and_key() -> None:
    with pytest.raises(ValueError, match="greater than") as raised:
        parse_host_limits(
            """
            ["a.example"]
            start = 0
            max = "4"
            rate = inf
            maximum = 4
            ["slow.example"]
            rate = 0.0001
            ["b.example"]
            start = 9
            max = 8
            ["https://c.example"]
            ["*"]
            ["*.d.example:8080"]
            ["E.example"]
            ["e.example"]
            [f.example]
            max = 4
            """
        )
    assert str(raised.value).splitlines() == [
        '["a.example"] start: Input should be greater than or equal to 1',
        '["a.example"] max: Input should be a valid integer',
        '["a.example"] rate: Input should be a finite number',
        '["a.example"] maximum: Extra inputs are not permitted',
        '["slow.example"] rate: Value error, must be 0, or at least 0.001: a download in 1000 seconds',
        '["b.example"]: Value error, start must not exceed max',
        '["https://c.example"]: write a host such as "shop.example" or "shop.example:8080",'
        ' or "*.shop.example" for all below',
        '["*"]: write a host such as "shop.example" or "shop.example:8080", or "*.shop.example" for all below',
        '["*.d.example:8080"]: a pattern for all hosts below a domain applies to all ports: leave out the port',
        '["e.example"]: the same host has another table',
        '[f.example]: write the host in quotes: ["f.example"]',
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("max = 4", "max: write a table"),
        ("[", "is not TOML"),
        ('["a.example:http"]', "is not a host"),
        ('[""]', "write a host"),
        ('["*."]', "write a host"),
    ],
)
def test_what_is_no_table_of_a_host_is_a_fault(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_host_limits(text)
