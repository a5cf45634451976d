"""Opens the object store that OBJECT_STORE_URL names."""

import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from shared.storage.directory import DirectoryObjectStore
from shared.storage.object_store import ObjectStore
from shared.storage.s3 import S3Location, S3ObjectStore

_URL_SYNTAX = "file:///path or s3://KEY:SECRET@host:port/bucket?secure=0"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_S3_OPTIONS = {"secure", "region"}


def open_object_store(url: str) -> ObjectStore:
    """The store at `url`. It connects at first use; `ping` checks whether it is available.

        file:///path
        s3://KEY:SECRET@host:port/bucket?secure=0&region=…

    KEY and SECRET are percent-encoded. `secure` (default 1) selects https. Without `region`, the server reports it.
    Raises ValueError for any other URL; the message does not contain the secret.
    """
    parts = _split(url)
    if parts.scheme == "file":
        return DirectoryObjectStore(_directory(parts))
    if parts.scheme == "s3":
        return _s3(s3_location(url))
    raise _malformed(f"its scheme is {parts.scheme!r}" if parts.scheme else "it has no scheme")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises if it is none
    except ValueError:  # the message could contain the secret
        raise _malformed("its host or port is malformed") from None
    return parts


def _directory(parts: SplitResult) -> Path:
    path = Path(unquote(parts.path))
    if parts.netloc not in {"", "localhost"}:
        raise _malformed("a file: URL has three slashes before the path and no host")
    if not path.is_absolute() or path == Path("/") or parts.query or parts.fragment:
        raise _malformed("a file: URL is only an absolute path, and not /")
    return path


def _s3(location: S3Location) -> S3ObjectStore:
    try:
        return S3ObjectStore(location)
    except ValueError:
        raise _malformed("the S3 client rejects its host or region") from None


def s3_location(url: str) -> S3Location:
    """The location that an s3: URL names. Raises ValueError as `open_object_store` does."""
    parts = _split(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if unknown := options.keys() - _S3_OPTIONS:
        raise _malformed(f"its options are secure and region, not {', '.join(sorted(unknown))}")
    if options.get("secure", "1") not in {"0", "1"}:
        raise _malformed("secure must be 0 or 1")
    if not parts.hostname:
        raise _malformed("it has no host")
    if not parts.username or not parts.password:
        raise _malformed("it needs an access key and a secret, both percent-encoded")
    bucket = parts.path.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise _malformed("its path is not the name of a bucket")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return S3Location(
        endpoint=f"{host}:{parts.port}" if parts.port else host,
        bucket=bucket,
        access_key=unquote(parts.username),
        secret_key=unquote(parts.password),
        secure=options.get("secure", "1") == "1",
        region=options.get("region") or None,
    )


def _malformed(reason: str) -> ValueError:
    return ValueError(f"OBJECT_STORE_URL must be {_URL_SYNTAX}, but {reason}")
