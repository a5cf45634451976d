"""Adding up a request's images in MongoDB, in operations that stay short however many images there are."""

from collections.abc import Iterator
from itertools import pairwise, product

from motor.motor_asyncio import AsyncIOMotorCollection

from shared.contracts.error_codes import ErrorCode
from shared.contracts.image_summary import (
    MAX_HOSTS_COMPARED,
    MAX_KEPT_ORIGINAL_URLS,
    ImageGroup,
    ImageSummary,
    ImageSummaryBuilder,
)
from shared.contracts.states import TERMINAL_STATES, ImageState
from shared.long_lived import progress
from shared.persistence.documents import Document, id_bounds

Range = Document
"""A condition on `_id`."""

_MAX_IMAGES_PER_QUERY = 20_000  # which take the server about a tenth of a second
_HEX = "0123456789abcdef"
_HAS_HOST: Document = {"_id": {"$ne": ""}}


class UnknownValue(Exception):
    """An image has a state or an error code that this version does not know."""


async def summarize(images: AsyncIOMotorCollection[Document], request_id: str) -> ImageSummary:
    """See ImageRepository.summary. The figures are consistent if no image changes its state meanwhile.

    Raises UnknownValue.
    """
    largest, all_hosts, total = await _hosts(images, request_id)
    builder, kept_urls = ImageSummaryBuilder(largest, all_hosts), list[str]()
    for range_ in _ranges(request_id, total):
        progress()
        kept_before = builder.kept_original
        async for document in images.aggregate([{"$match": {"_id": range_}}, _GROUP]):
            builder.add(_group(document))
        room = MAX_KEPT_ORIGINAL_URLS - len(kept_urls)
        if room and builder.kept_original > kept_before:
            kept_urls += await _kept_urls(images, range_, room)
    return builder.build(kept_urls)


async def _hosts(images: AsyncIOMotorCollection[Document], request_id: str) -> tuple[list[str], int, int]:
    """The hosts with the most images, the number of hosts, and the number of images. Reads the index alone.

    An image whose URL is invalid has no host, recorded as "".
    """
    pipeline: list[Document] = [
        {"$match": {"state": {"$in": [state.value for state in TERMINAL_STATES]}, "request_id": request_id}},
        {"$group": {"_id": "$host", "images": {"$sum": 1}}},
        {
            "$facet": {
                "largest": [{"$match": _HAS_HOST}, {"$sort": {"images": -1, "_id": 1}}, {"$limit": MAX_HOSTS_COMPARED}],
                "hosts": [{"$match": _HAS_HOST}, {"$count": "number"}],
                "images": [{"$group": {"_id": None, "number": {"$sum": "$images"}}}],
            }
        },
    ]
    [found] = await images.aggregate(pipeline, allowDiskUse=True).to_list(None)
    all_hosts, all_images = (sum(counted["number"] for counted in found[name]) for name in ("hosts", "images"))
    return [host["_id"] for host in found["largest"]], all_hosts, all_images


def _ranges(request_id: str, total: int) -> Iterator[Range]:
    """Splits the request's ids into ranges of about equal size. The second part of an id is a hash."""
    digits = 0
    while total > _MAX_IMAGES_PER_QUERY * len(_HEX) ** digits:
        digits += 1
    prefixes = ["".join(prefix) for prefix in product(_HEX, repeat=digits)]
    first, end = id_bounds(request_id)
    bounds = [first, *(first + prefix for prefix in prefixes[1:]), end]
    return ({"$gte": low, "$lt": high} for low, high in pairwise(bounds))


_GROUP: Document = {
    "$group": {
        "_id": {
            "host": "$host",
            "state": "$state",
            "error_code": "$error_code",
            "action": "$result.action",
            "reused": "$result.reused",
        },
        "images": {"$sum": 1},
        "bytes_in": {"$sum": "$result.bytes_in"},
        "bytes_out": {"$sum": "$result.bytes_out"},
        "fetch_ms": {"$sum": "$result.fetch_ms"},
        "target_missed": {"$sum": {"$cond": [{"$eq": ["$result.target_met", False]}, 1, 0]}},
    }
}


def _group(document: Document) -> ImageGroup:
    common = document["_id"]
    code = common.get("error_code")
    try:
        state, error_code = ImageState(common["state"]), ErrorCode(code) if code else None
    except ValueError as error:
        raise UnknownValue(str(error)) from error
    return ImageGroup(
        host=common["host"],
        state=state,
        error_code=error_code,
        action=common.get("action"),
        reused=common.get("reused"),
        images=document["images"],
        bytes_in=document["bytes_in"],
        bytes_out=document["bytes_out"],
        fetch_ms=document["fetch_ms"],
        target_missed=document["target_missed"],
    )


async def _kept_urls(images: AsyncIOMotorCollection[Document], range_: Range, limit: int) -> list[str]:
    condition = {"_id": range_, "result.action": "kept_original"}
    found = await images.find(condition, projection={"url": 1}).sort("_id", 1).limit(limit).to_list(limit)
    return [document["url"] for document in found]
