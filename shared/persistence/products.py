"""The collection `products`: `_id` is request and row, so a range of ids is a request in row order."""

from collections.abc import AsyncIterator, Sequence

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne

from shared.contracts.records import Product
from shared.persistence.documents import Document, id_bounds
from shared.persistence.faults import database_faults, duplicates_ignored
from shared.persistence.record_reading import RecordReader, SetAside


class MongoProducts:
    def __init__(self, collection: AsyncIOMotorCollection[Document], set_aside: SetAside) -> None:
        self._collection = collection
        self._reader = RecordReader("products", Product, set_aside, dict)

    async def insert_many(self, products: Sequence[Product]) -> None:
        if products:
            with database_faults(), duplicates_ignored():
                await self._collection.insert_many([_document(product) for product in products], ordered=False)

    async def batches(self, request_id: str, size: int = 1000) -> AsyncIterator[list[Product]]:
        after, end = id_bounds(request_id)
        while True:
            with database_faults():
                found = await (
                    self._collection.find({"_id": {"$gt": after, "$lt": end}}).sort("_id", 1).limit(size).to_list(size)
                )
            if not found:
                return
            yield [self._reader.read(document) for document in found]
            after = found[-1]["_id"]

    async def save_outputs(self, request_id: str, round_: int, outputs: Sequence[tuple[int, Sequence[str]]]) -> None:
        if outputs:
            no_later = {"$not": {"$gt": round_}}  # also true of a row without outputs
            with database_faults():
                await self._collection.bulk_write(
                    [
                        UpdateOne(
                            {"_id": _id(request_id, row), "output_round": no_later},
                            {"$set": {"output_image_urls": list(urls), "output_round": round_}},
                        )
                        for row, urls in outputs
                    ],
                    ordered=False,
                )


def _id(request_id: str, row: int) -> str:
    return f"{request_id}:{row:010d}"


def _document(product: Product) -> Document:
    return {
        "_id": _id(product.request_id, product.row),
        "request_id": product.request_id,
        "row": product.row,
        "serial_number": product.serial_number,
        "product_name": product.product_name,
        "input_image_urls": list(product.input_image_urls),
        "output_image_urls": None,
        "output_round": None,
        "slots": list(product.slots),
        "record": product.record,
    }
