"""Where objects live in the store. Keys are written once and never get other bytes; no object has two owners."""

import hashlib
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from slugify import slugify

from shared.contracts.messages import CompressOptions

PUBLIC_PREFIXES = ("results/", "outputs/")
"""What the gateway serves to anyone who has the URL. Uploads and originals are never served."""

_SLUG_LENGTH = 60


def image_id(url: str) -> str:
    """The image's name within its request: the first 128 bits of the SHA-256 of its URL, in hex."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def upload_key(request_id: str) -> str:
    return f"uploads/{request_id}.csv"


def owned_prefixes(request_id: str) -> tuple[str, ...]:
    """What all keys of a request begin with, but for its upload's."""
    return (originals_prefix(request_id), f"results/{request_id}/", f"outputs/{request_id}/")


def originals_prefix(request_id: str) -> str:
    return f"originals/{request_id}/"


def original_key(request_id: str, image_id: str, sha256: str) -> str:
    """Named by its bytes as well, since a host may answer differently when it is asked again."""
    return f"{originals_prefix(request_id)}{image_id}-{sha256[:16]}"


def same_bytes_key(request_id: str, sha256: str) -> str:
    """Where a compressor notes what it made of an original with these bytes; it goes when the originals go."""
    return f"{originals_prefix(request_id)}same-bytes/{sha256}"


def result_key(request_id: str, image_id: str, url: str, data: bytes, extension: str) -> str:
    """A readable name from the URL. The hash is of id and bytes, so two images never share an object."""
    name = slugify(PurePosixPath(unquote(urlsplit(url).path)).stem, max_length=_SLUG_LENGTH) or "image"
    digest = hashlib.sha256(image_id.encode() + data).hexdigest()[:16]
    return f"results/{request_id}/{name}-{digest}.{extension}"


def copied_key(key: str, request_id: str) -> str:
    """Where `request_id` keeps its copy of another request's result; named alike, since URL and bytes are the same."""
    return f"results/{request_id}/{PurePosixPath(key).name}"


def reuse_key(url: str, options: CompressOptions) -> str:
    """The same for each image with this URL and these options, whatever the request."""
    return hashlib.sha256(f"{url}\n{options.model_dump_json()}".encode()).hexdigest()[:32]


def outputs_key(request_id: str, round_: int, filename: str | None, kind: str, extension: str = "csv") -> str:
    """`kind` is what the file is, for example "compressed" or "report"; the name follows the uploaded file's."""
    stem = slugify(PurePosixPath(filename or "").stem, max_length=_SLUG_LENGTH) or "products"
    return f"outputs/{request_id}/{round_}/{stem}-{kind}.{extension}"


def public_url(public_base_url: str, key: str) -> str:
    """The URL under which the gateway serves `key`; it holds no comma, since CSV cells list URLs with commas."""
    return f"{public_base_url.rstrip('/')}/{key}"
