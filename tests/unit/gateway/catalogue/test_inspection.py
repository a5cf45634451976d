"""An inspection counts and judges URLs, hosts and serial numbers."""

import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.catalogue.counting import DistinctCounter, DistinctSample, SeenHashes
from services.gateway.catalogue.findings import Finding, Findings
from services.gateway.catalogue.hosts import MAX_LISTED, HostCounts
from services.gateway.catalogue.inspection import Inspection, inspect_catalogue
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.opening import open_catalogue
from services.gateway.catalogue.url_repair import repair_url
from shared.url_policy import AddressPolicy, judge_url

HEADER = "S. No.,Product Name,Input Image Urls\n"
HASHES = st.integers(-(1 << 63), (1 << 63) - 1)


def inspected(body: str, sample_per_host: int = 0) -> Inspection:
    data = (HEADER + body).encode()
    return inspect_catalogue(lambda: [data], CatalogueLimits(), AddressPolicy(), sample_per_host=sample_per_host)


def test_slots_images_and_hosts_are_counted_and_urls_sampled() -> None:
    found = inspected(
        '1,p,"https://a.example/1.jpg,https://b.example:443/1.jpg,https://A.example/2.jpg"\n'
        '2,q,"https://a.example/1.jpg,http://10.0.0.1/x.jpg,nothing,https://a.example"\n',
        sample_per_host=2,
    )

    assert (found.rows, found.products, found.slots, found.images, found.refused_slots) == (2, 2, 6, 5, 1)
    assert found.slots_by_host == {"a.example": 4, "b.example": 1}
    assert (found.samples["a.example"].images, found.samples["b.example"].images) == (3, 1)
    assert list(found.samples["a.example"].urls) == ["https://a.example/1.jpg", "https://A.example/2.jpg"]
    assert found.accepted_images == 4


def test_repeated_and_refused_urls_do_not_count_as_images_of_a_host() -> None:
    rows = [f"{n},p,https://large.example/{n}.jpg" for n in range(30)]
    rows += [f"{n},p,https://small.example/placeholder.jpg" for n in range(100)]
    rows += [f"{n},p,http://10.0.0.1/{n % 7}.jpg" for n in range(20)]
    found = inspected("\n".join(rows), sample_per_host=3)

    assert (found.images, found.accepted_images, found.refused_slots) == (38, 31, 20)
    assert {host: sample.images for host, sample in found.samples.items()} == {"large.example": 30, "small.example": 1}


def test_sampling_takes_bounded_memory_and_estimates_the_images_of_hosts() -> None:
    hosts, images = HostCounts(sample_per_host=5), 270_000
    tracemalloc.start()
    for number in range(images):
        host = "large.example" if number % 4 else "small.example"
        hosts.add(host, f"https://{host}/{number}.jpg")
        hosts.add("other.example", "https://other.example/placeholder.jpg")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    samples = hosts.samples(images + 1)
    assert peak < 7_000_000
    assert samples["large.example"].images == pytest.approx(0.75 * images, rel=0.04)
    assert samples["small.example"].images == pytest.approx(0.25 * images, rel=0.08)
    assert samples["other.example"].images < 50
    assert sum(sample.images for sample in samples.values()) <= images + 1 + len(samples)


def test_long_sampled_urls_take_bounded_memory() -> None:
    hosts = HostCounts(sample_per_host=20)
    for number in range(2_000):
        for image in range(15):
            hosts.add(f"h{number}.example", f"https://h{number}.example/{image}{'x' * 2_000}")

    samples = hosts.samples(30_000)
    assert len(samples) == 1_000
    assert all(sample.images == 15 for sample in samples.values())
    assert {len(sample.urls) for sample in samples.values()} >= {1, 15}
    assert sum(len(url) for sample in samples.values() for url in sample.urls) < 7_000_000


def test_the_hosts_with_the_most_slots_are_listed() -> None:
    urls = [f"https://h{index}.example/1.jpg" for index in range(MAX_LISTED + 5)] + ["https://h1003.example/2.jpg"]
    found = inspected("".join(f"{index},p,{url}\n" for index, url in enumerate(urls)))

    assert len(found.slots_by_host) == MAX_LISTED
    assert found.more_hosts == 5
    assert next(iter(found.slots_by_host.items())) == ("h1003.example", 2)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("C:\\pictures\\1.jpg", "a path on a computer, not a URL"),
        ("file:///home/me/1.jpg", "a file on a computer, not a URL"),
        ("data:image/png;base64;AAAA", "a data: URI, not a URL"),
        ("//cdn.example/1.jpg", "the scheme is missing before //"),
        ("www.a.example/1.jpg", "the scheme is missing"),
        ("https:/lamp.jpg", "a slash is missing after the scheme"),
        ("https:a.example/1.jpg", "the slashes are missing after the scheme"),
        ("ftp://a.example/1.jpg", "not an http or https URL"),
        ("htps://a.example/1.jpg", "not an http or https URL"),
        ("/media/1.jpg", "a path without a host"),
        ("front.jpg", "a file name, not a URL"),
        ("http://169.254.169.254/latest", "blocked address (metadata service)"),
        ("http://a.example:99999/1.jpg", "the port is not a number from 1 to 65535"),
        ("http://a..example/1.jpg", "the host name is not valid"),
        ("http://a.example/" + "x" * 2100, "the URL is longer than 2,048 characters"),
    ],
)
def test_a_url_that_cannot_be_fetched_is_a_slot_error_with_advice(url: str, problem: str) -> None:
    found = inspected(f"1,p,https://a.example/1.jpg\n2,q,{url}\n")

    (finding,) = found.findings
    assert (finding.severity, finding.line, finding.column) == ("slot_error", 3, "Input Image Urls")
    assert finding.problem == problem
    assert finding.advice
    assert finding.text
    assert found.refused_slots == 1
    fault = judge_url(url, AddressPolicy()).fault
    assert fault, "the intake must refuse it as well"
    assert fault.detail == finding.problem, "report and event must say the same"


@pytest.mark.parametrize(
    "url",
    [
        "https://drive.google.com/file/d/abc/view",
        "https://www.dropbox.com/s/abc/1.jpg?dl=0",
        "https://github.com/a/b/blob/main/1.jpg",
    ],
)
def test_a_link_to_a_page_is_a_warning(url: str) -> None:
    (finding,) = inspected(f"1,p,{url}\n").findings
    assert (finding.severity, finding.problem) == ("warning", "a link to a page, not to an image")


@pytest.mark.parametrize(
    ("given_", "repaired", "repairs"),
    [
        ("https://a.example/?x=1&amp;y=2", "https://a.example/?x=1&y=2", 1),
        ("https://a.example/my pic.jpg", "https://a.example/my%20pic.jpg", 1),
        ("https://a.example/2\u00d73.jpg?q=ü", "https://a.example/2%C3%973.jpg?q=%C3%BC", 1),
        ("https://bücher.example:8080/1.jpg", "https://xn--bcher-kva.example:8080/1.jpg", 1),
        ("https://ü.example/a b&amp;ü", "https://xn--tda.example/a%20b&%C3%BC", 4),
        ("https://a.example/1\u200b.jpg", "https://a.example/1.jpg", 1),
        ("my pic.jpg", "my pic.jpg", 0),
        ("https://a.example/%C3%97,1.jpg", "https://a.example/%C3%97,1.jpg", 0),
    ],
)
def test_urls_are_repaired(given_: str, repaired: str, repairs: int) -> None:
    url, found = repair_url(given_)
    assert (url, len(found)) == (repaired, repairs)
    assert repair_url(url) == (url, [])
    if repairs:
        catalogue = open_catalogue(lambda: [f'{HEADER}1,p,"{given_}"\n'.encode()], CatalogueLimits())
        (row,) = catalogue.rows()
        assert row.urls == (repaired,)
        assert given_ in row.record
        assert {(finding.severity, finding.text) for finding in catalogue.findings.listed} == {("warning", given_)}


def test_odd_serial_numbers_get_warnings() -> None:
    found = inspected("".join(f"{serial},p,https://a.example/1.jpg\n" for serial in ("1.", "1.23E+12", "1.", "", "2")))
    assert [(finding.line, finding.text) for finding in found.findings] == [(3, "1.23E+12"), (4, "1."), (5, None)]


@given(st.lists(HASHES | st.integers(-3, 3)), st.integers(1, 9))
def test_distinct_hashes_are_counted_exactly(hashes: list[int], pending: int) -> None:
    counter, seen = DistinctCounter(pending=pending), SeenHashes(size=2)
    new = 0
    for value in hashes:
        counter.add((value,))
        new += seen.is_new(value or 1)
    assert counter.count() == len(set(hashes))
    assert new == len({value or 1 for value in hashes})


def test_beyond_its_limit_the_counter_estimates() -> None:
    counter = DistinctCounter(max_hashes=2_000)
    counter.add(hash((value, "spread")) for value in range(50_000))
    assert counter.count() == pytest.approx(50_000, rel=0.15)


@given(st.lists(st.tuples(HASHES | st.integers(-99, 99), st.sampled_from("abc"))), st.integers(1, 99))
def test_a_sample_of_distinct_hashes_is_complete_up_to_its_limit(values: list[tuple[int, str]], most: int) -> None:
    sample, labels = DistinctSample(most), dict(values)
    for value, label in labels.items():
        sample.add(value, label)
        sample.add(value, label)

    counts = sample.counts()
    if len(labels) <= most:
        assert counts == Counter(labels.values())
    assert sum(counts.values()) <= most
    assert all(count <= list(labels.values()).count(str(label)) for label, count in counts.items())


def test_errors_are_listed_before_slot_errors_and_warnings() -> None:
    findings = Findings()
    for number in range(3_000):
        findings.add(Finding("odd", "", row=number, severity="warning"))
        findings.add(Finding("bad", "", row=number, severity="slot_error"))
    findings.add(Finding("wrong", "", row=9_000))
    findings.add(Finding("all", "", severity="warning"))

    kinds = [finding.severity for finding in findings.listed]
    assert (kinds.count("error"), kinds.count("slot_error"), kinds.count("warning")) == (1, 899, 100)
    assert findings.listed[-1].problem == "all"
    assert findings.more == 6_002 - 1_000
