"""The keys of objects in the store. An object never changes once it is written, and belongs to one request."""

import hashlib
import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from slugify import slugify

from shared.contracts.messages import CompressImage, CompressOptions, DownloadImage

PUBLIC_PREFIXES = ("results/", "outputs/")
"""The gateway serves objects under these to anyone who has the URL; it never serves uploads and originals."""

_OWNED_FOLDERS = ("originals", "results", "outputs")
_SLUG_LENGTH = 60
_PATH = re.compile(r"(?:[a-z]+:)?(?://[^/?#]*)?([^?#]*).*", re.IGNORECASE | re.DOTALL)
"""A URL's path, only to name a file by it: unlike urlsplit, it fails for no text."""

ENCODER_VERSION = 2
"""Raise it when the compressor makes another result of the same original and options: earlier ones are not reused."""


def image_id(url: str) -> str:
    """The image's id within its request: the first 128 bits of the SHA-256 of its URL, in hex."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def upload_key(request_id: str) -> str:
    return f"uploads/{request_id}.csv"


def owned_prefixes(request_id: str) -> tuple[str, ...]:
    """The prefixes of all keys of a request except its upload's."""
    return tuple(f"{folder}/{request_id}/" for folder in _OWNED_FOLDERS)


def owner_of(key: str) -> str | None:
    """The request whose object has this key; None if it is not the key of a request's object."""
    kind, _, rest = key.partition("/")
    if kind == "uploads":
        return rest.removesuffix(".csv") if rest.endswith(".csv") and "/" not in rest else None
    owner, slash, name = rest.partition("/")
    return owner if kind in _OWNED_FOLDERS and slash and name else None


def results_prefix(request_id: str) -> str:
    return f"results/{request_id}/"


def outputs_prefix(request_id: str) -> str:
    """Of the files of all rounds."""
    return f"outputs/{request_id}/"


def originals_prefix(request_id: str) -> str:
    return f"originals/{request_id}/"


def original_key(request_id: str, image_id: str, sha256: str) -> str:
    """Contains a hash of the bytes, because the host may send different bytes for another request."""
    return f"{originals_prefix(request_id)}{image_id}-{sha256[:16]}"


def run_marks_prefix(command: DownloadImage | CompressImage) -> str:
    """The prefix of the marks of this command's runs, see shared/alone_runs.py; deleted with the originals."""
    run = f"{type(command).__name__}-{command.round}-{command.dispatch}"
    return f"{originals_prefix(command.request_id)}runs/{command.image_id}/{run}/"


def result_key(request_id: str, image_id: str, url: str, data: bytes, extension: str) -> str:
    """A readable name from the URL, and a hash of image id and bytes, so that no two images share an object."""
    name = slugify(PurePosixPath(unquote(_PATH.sub(r"\1", url))).stem, max_length=_SLUG_LENGTH) or "image"
    digest = hashlib.sha256(image_id.encode() + data).hexdigest()[:16]
    return f"results/{request_id}/{name}-{digest}.{extension}"


def copied_key(key: str, request_id: str) -> str:
    """The key of the copy of another request's result. It has the same name, since URL and bytes are the same."""
    return f"results/{request_id}/{PurePosixPath(key).name}"


def reuse_key(url: str, options: CompressOptions) -> str:
    """Identifies what this version makes of this URL with these options, across requests."""
    return hashlib.sha256(f"{ENCODER_VERSION}\n{url}\n{options.model_dump_json()}".encode()).hexdigest()[:32]


def outputs_key(request_id: str, round_: int, filename: str | None, kind: str, extension: str = "csv") -> str:
    """`kind` is for example "compressed" or "report"; the name starts with that of the uploaded file."""
    stem = slugify(PurePosixPath(filename or "").stem, max_length=_SLUG_LENGTH) or "products"
    return f"outputs/{request_id}/{round_}/{stem}-{kind}.{extension}"


def public_url(public_base_url: str, key: str) -> str:
    """The URL under which the gateway serves `key`. It contains no comma: CSV cells separate URLs by commas."""
    return f"{public_base_url.rstrip('/')}/{key}"
