"""Which images are probed."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue import HostSample
from services.gateway.probe.plan import MAX_HOSTS, MAX_IMAGES, plan_probe

_HOSTS = st.integers(0, 200).map("host{}.test".format)
HOSTS = st.dictionaries(_HOSTS, st.tuples(st.integers(0, 10_000), st.integers(1, 20)), max_size=120)


def a_sample(host: str, sampled: int, more_images: int = 0) -> HostSample:
    urls = [f"http://{host}/{number}.jpg" for number in range(sampled)]
    return HostSample(sampled + more_images, dict.fromkeys(urls))


@given(HOSTS)
def test_the_hosts_with_the_most_images_are_probed_within_the_limits(known: dict[str, tuple[int, int]]) -> None:
    samples = {host: a_sample(host, sampled, more) for host, (more, sampled) in known.items()}
    images = {host: sample.images for host, sample in samples.items()}
    plan = plan_probe(samples)

    urls = [url for batch in plan.batches for url in batch]
    assert sorted(urls) == sorted(plan.host_of)
    assert len(urls) == len(set(urls)) == min(MAX_IMAGES, sum(largest_samples(samples)))
    assert len(plan.images_of) <= MAX_HOSTS
    assert {plan.host_of[url] for url in urls} == plan.images_of.keys()
    assert plan.images_of.items() <= images.items()
    left_out = [images[host] for host in images.keys() - plan.images_of.keys()]
    assert max(left_out, default=0) <= min(plan.images_of.values(), default=10**9)
    for batch in plan.batches:
        assert 1 <= len(batch) <= 5
        assert len({plan.host_of[url] for url in batch}) == 1


def largest_samples(samples: dict[str, HostSample]) -> list[int]:
    largest_first = sorted(samples.values(), key=lambda sample: -sample.images)
    return [len(sample.urls) for sample in largest_first[:MAX_HOSTS]]


def test_batches_alternate_between_hosts() -> None:
    plan = plan_probe({"b": a_sample("b", 6, 44), "a": a_sample("a", 12, 88)})
    assert [(plan.host_of[batch[0]], len(batch)) for batch in plan.batches] == [
        ("a", 5),
        ("b", 5),
        ("a", 5),
        ("b", 1),
        ("a", 2),
    ]


def test_without_samples_nothing_is_probed() -> None:
    plan = plan_probe({})
    assert (plan.images_of, plan.batches) == ({}, [])
