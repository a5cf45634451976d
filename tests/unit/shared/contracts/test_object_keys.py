"""Keys are readable, safe in URLs and CSV cells, and belong to one request and image."""

import re
from hashlib import sha256

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.contracts import object_keys
from shared.contracts.messages import CompressOptions
from shared.contracts.object_keys import (
    PUBLIC_PREFIXES,
    image_id,
    original_key,
    originals_prefix,
    outputs_key,
    owner_of,
    public_url,
    result_key,
    reuse_key,
    upload_key,
)

REQUEST_ID = "01KDA7ZZ00000000000000TEST"
LONGEST_NAME = 100

URLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300).map("http://images.test/".__add__)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.none()
EXTENSIONS = st.sampled_from(["jpg", "png", "webp"])
SAFE_KEY = re.compile(r"[A-Za-z0-9._/-]+")


def _check(key: str) -> None:
    assert SAFE_KEY.fullmatch(key)
    parts = key.split("/")
    assert all(part.strip(".") for part in parts)
    assert all(len(part) <= LONGEST_NAME for part in parts)


@given(url=URLS, data=st.binary(max_size=100), extension=EXTENSIONS)
@example(url="http://images.test/a,b.jpg", data=b"", extension="jpg")
@example(url="http://images.test/%2e%2e/%2e%2e%2fetc%2fpasswd", data=b"", extension="jpg")
@example(url="http://images.test/%00.jpg", data=b"", extension="jpg")
@example(url="http://images.test/..", data=b"", extension="jpg")
@example(url="http://images.test/" + "x" * 300, data=b"", extension="jpg")
@example(url="http://images.test/%ff%fe.jpg", data=b"", extension="jpg")
@example(url="http://images.test\\\uff0f[x.jpg", data=b"", extension="jpg")
def test_result_keys_are_safe_in_urls_and_cells(url: str, data: bytes, extension: str) -> None:
    key = result_key(REQUEST_ID, image_id(url), url, data, extension)
    _check(key)
    assert key.startswith(f"results/{REQUEST_ID}/")
    assert key.endswith(f".{extension}")
    assert "," not in public_url("https://imagemill.test/", key)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://images.test/a/Oak%20table.jpg?w=1#x", "oak-table"),
        ("http://images.test", "image"),
        ("http://images.test?x=/y.jpg", "image"),
        ("HTTPS://images.test:8080/%C3%BC.jpg", "u"),
    ],
)
def test_a_result_has_the_name_of_the_file_in_its_url(url: str, name: str) -> None:
    assert result_key(REQUEST_ID, image_id(url), url, b"", "jpg").startswith(f"results/{REQUEST_ID}/{name}-")


@given(filename=NAMES, round_=st.integers(1, 99), kind=st.sampled_from(["compressed", "report", "failed"]))
@example(filename="../../etc/passwd", round_=1, kind="report")
@example(filename="", round_=1, kind="report")
def test_output_keys_are_safe_in_urls(filename: str | None, round_: int, kind: str) -> None:
    key = outputs_key(REQUEST_ID, round_, filename, kind)
    _check(key)
    assert key.startswith(f"outputs/{REQUEST_ID}/{round_}/")
    assert key.endswith(f"-{kind}.csv")


@given(first=URLS, second=URLS, data=st.binary(max_size=100), other=st.binary(max_size=100), extension=EXTENSIONS)
def test_no_two_images_share_an_object(first: str, second: str, data: bytes, other: bytes, extension: str) -> None:
    assume(first != second)
    assert image_id(first) != image_id(second)
    keys = {
        result_key(REQUEST_ID, image_id(url), url, bytes_, extension)
        for url in (first, second)
        for bytes_ in (data, other)
    }
    assert len(keys) == (2 if data == other else 4)
    digest = sha256(data).hexdigest()
    assert len({original_key(REQUEST_ID, image_id(url), digest) for url in (first, second)}) == 2


@given(url=URLS, data=st.binary(max_size=100), extension=EXTENSIONS)
def test_the_same_bytes_of_the_same_image_have_the_same_key(url: str, data: bytes, extension: str) -> None:
    once, again = (result_key(REQUEST_ID, image_id(url), url, data, extension) for _ in range(2))
    assert once == again


def test_each_round_has_its_own_outputs() -> None:
    assert outputs_key(REQUEST_ID, 1, "a.csv", "report") != outputs_key(REQUEST_ID, 2, "a.csv", "report")


def test_a_report_in_json_has_its_own_name() -> None:
    assert outputs_key(REQUEST_ID, 1, "a.csv", "report", "json") == f"outputs/{REQUEST_ID}/1/a-report.json"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://images.test/shoes/Red%20Shoe.JPG?size=2#top", "red-shoe"),
        ("http://images.test/%C3%BCber.png", "uber"),
        ("http://images.test/写真.png", "xie-zhen"),
        ("http://images.test/", "image"),
        ("http://images.test/%2C%2C.png", "image"),
    ],
)
def test_results_have_readable_names(url: str, name: str) -> None:
    key = result_key(REQUEST_ID, image_id(url), url, b"data", "webp")
    assert re.fullmatch(rf"results/{REQUEST_ID}/{name}-[0-9a-f]{{16}}\.webp", key)


def test_only_results_and_outputs_are_public() -> None:
    id_ = image_id("http://images.test/1.jpg")
    public = [
        result_key(REQUEST_ID, id_, "http://images.test/1.jpg", b"", "jpg"),
        outputs_key(REQUEST_ID, 1, None, "report"),
    ]
    private = [upload_key(REQUEST_ID), original_key(REQUEST_ID, id_, "0" * 64)]
    assert all(key.startswith(PUBLIC_PREFIXES) for key in public)
    assert not any(key.startswith(PUBLIC_PREFIXES) for key in private)


def test_the_originals_of_a_request_share_a_prefix_with_no_others() -> None:
    assert original_key("a", image_id("x"), "0" * 64).startswith(originals_prefix("a"))
    assert not original_key("aa", image_id("x"), "0" * 64).startswith(originals_prefix("a"))
    assert original_key("a", image_id("x"), "1" * 64) != original_key("a", image_id("x"), "2" * 64)


def test_an_image_id_is_the_first_half_of_a_sha256() -> None:
    assert image_id("http://images.test/1.jpg") == sha256(b"http://images.test/1.jpg").hexdigest()[:32]


@pytest.mark.parametrize("base", ["https://imagemill.test", "https://imagemill.test/"])
def test_public_urls_have_one_slash(base: str) -> None:
    assert public_url(base, "results/a/b.jpg") == "https://imagemill.test/results/a/b.jpg"


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        (upload_key("a"), "a"),
        (original_key("a", "1", "0" * 64), "a"),
        (outputs_key("a", 1, "x.csv", "report"), "a"),
        ("results/a/1.jpg", "a"),
        ("results/a", None),
        ("results/a/", None),
        ("uploads/a/b.csv", None),
        ("uploads/a.txt", None),
        ("other/a/b", None),
    ],
)
def test_the_owner_of_a_key_is_its_request(key: str, owner: str | None) -> None:
    assert owner_of(key) == owner


def test_results_of_another_version_of_the_compressor_have_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def key() -> str:
        return reuse_key("http://images.test/1.jpg", CompressOptions())

    before = key()
    assert key() == before
    monkeypatch.setattr(object_keys, "ENCODER_VERSION", object_keys.ENCODER_VERSION + 1)
    assert key() != before
