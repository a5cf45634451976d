"""OBJECT_STORE_URL: which store each URL opens, and how malformed URLs are refused."""

from pathlib import Path
from urllib.parse import quote

import pytest

from shared.storage.directory import DirectoryObjectStore
from shared.storage.open import open_object_store, s3_location
from shared.storage.s3 import S3Location, S3ObjectStore


async def test_a_file_url_opens_a_directory(tmp_path: Path) -> None:
    folder = tmp_path / "a store"
    store = open_object_store(folder.as_uri())
    assert isinstance(store, DirectoryObjectStore)

    await store.make()
    await store.put_bytes("uploads/r1.csv", b"x", "text/csv")
    assert await DirectoryObjectStore(folder).get_bytes("uploads/r1.csv") == b"x"
    await store.close()


async def test_an_s3_url_opens_a_bucket_without_connecting() -> None:
    store = open_object_store("s3://key:secret@127.0.0.1:9/bucket?secure=0")
    assert isinstance(store, S3ObjectStore)
    await store.close()


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("s3://k:s@store:8333/images?secure=0", S3Location("store:8333", "images", "k", "s", secure=False)),
        ("s3://k:s@s3.example.org/images", S3Location("s3.example.org", "images", "k", "s")),
        ("s3://k:s@[::1]:9000/images/", S3Location("[::1]:9000", "images", "k", "s")),
        (
            "s3://k:s@s3.eu-west-1.amazonaws.com/images?secure=1&region=eu-west-1",
            S3Location("s3.eu-west-1.amazonaws.com", "images", "k", "s", region="eu-west-1"),
        ),
        (
            f"s3://{quote('AK+IA/x', '')}:{quote('a/b+c@d:e%', '')}@store/images",
            S3Location("store", "images", "AK+IA/x", "a/b+c@d:e%"),
        ),
    ],
)
def test_an_s3_url_gives_the_location(url: str, location: S3Location) -> None:
    assert s3_location(url) == location


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/var/lib/imagemill",
        "http://store/bucket",
        "file:",
        "file:///",
        "file://host/path",
        "file://relative/path",
        "file:///path?durable=0",
        "s3://store:8333/bucket",
        "s3://key@store:8333/bucket",
        "s3://:hunter2@store:8333/bucket",
        "s3://key:hunter2@/bucket",
        "s3://key:hunter2@store:eight/bucket",
        "s3://key:hunter2@store:99999/bucket",
        "s3://key:hunter2@[::1/bucket",
        "s3://key:hunter2@store",
        "s3://key:hunter2@store/",
        "s3://key:hunter2@store/Bucket",
        "s3://key:hunter2@store/bucket/folder",
        "s3://key:hunter2@store/bucket?secure=no",
        "s3://key:hunter2@store/bucket?secured=0",
        "s3://key:hunter2@store/bucket?region=_",
    ],
)
def test_the_error_for_a_malformed_url_does_not_contain_the_secret(url: str) -> None:
    with pytest.raises(ValueError, match="OBJECT_STORE_URL must be file:///path or s3://") as refusal:
        open_object_store(url)

    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


def test_the_repr_of_a_location_does_not_contain_the_secret() -> None:
    assert "hunter2" not in repr(S3Location("store", "images", "key", "hunter2"))
