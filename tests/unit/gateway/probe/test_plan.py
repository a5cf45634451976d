"""Which URLs are looked at."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.probe.plan import MAX_HOSTS, MAX_URLS, plan_probe

_HOSTS = st.integers(0, 200).map("host{}.test".format)
HOSTS = st.dictionaries(_HOSTS, st.tuples(st.integers(1, 10_000), st.integers(1, 20)), max_size=120)


def urls_of(host: str, count: int) -> list[str]:
    return [f"http://{host}/{number}.jpg" for number in range(count)]


@given(HOSTS)
def test_the_largest_hosts_are_looked_at_as_far_as_allowed(known: dict[str, tuple[int, int]]) -> None:
    slots = {host: max(count, sampled) for host, (count, sampled) in known.items()}
    samples = {host: urls_of(host, sampled) for host, (_, sampled) in known.items()}
    plan = plan_probe(slots, samples)

    asked = [url for batch in plan.batches for url in batch]
    assert sorted(asked) == sorted(plan.host_of)
    assert len(asked) == len(set(asked)) == min(MAX_URLS, sum(sorted_samples(slots, samples)[:MAX_HOSTS]))
    assert len(plan.hosts) <= MAX_HOSTS
    assert {plan.host_of[url] for url in asked} == plan.hosts.keys()
    left_out = [slots[host] for host in slots.keys() - plan.hosts.keys()]
    assert max(left_out, default=0) <= min(plan.hosts.values(), default=10**9)
    for batch in plan.batches:
        assert 1 <= len(batch) <= 5
        assert len({plan.host_of[url] for url in batch}) == 1


def sorted_samples(slots: dict[str, int], samples: dict[str, list[str]]) -> list[int]:
    return [len(samples[host]) for host in sorted(samples, key=lambda host: -slots[host])]


def test_hosts_take_turns() -> None:
    plan = plan_probe({"a": 100, "b": 50}, {"b": urls_of("b", 6), "a": urls_of("a", 12)})
    assert [(plan.host_of[batch[0]], len(batch)) for batch in plan.batches] == [
        ("a", 5),
        ("b", 5),
        ("a", 5),
        ("b", 1),
        ("a", 2),
    ]


def test_a_host_that_is_not_counted_has_as_many_slots_as_are_known() -> None:
    assert plan_probe({}, {"a": urls_of("a", 3)}).hosts == {"a": 3}


def test_nothing_to_look_at() -> None:
    plan = plan_probe({}, {})
    assert (plan.hosts, plan.batches) == ({}, [])
