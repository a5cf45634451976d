"""Products: rows of the upload, and the output URLs of each row."""

from shared.persistence import Database
from tests.contract.conftest import Subject
from tests.support.builders import a_product

URLS = ("http://images.test/1.jpg", "http://images.test/2.jpg")


async def _rows(database: Database, request_id: str, size: int) -> list[list[int]]:
    return [[product.row for product in batch] async for batch in database.products.batches(request_id, size)]


async def test_products_are_read_as_written(database: Database) -> None:
    products = [a_product(1, URLS, "a"), a_product(2, (), "a")]
    await database.products.insert_many(products)
    assert [batch async for batch in database.products.batches("a")] == [products]


async def test_products_are_read_in_row_order_and_in_batches(database: Database) -> None:
    await database.products.insert_many([a_product(row, URLS, "a") for row in (10, 2, 9, 1, 100)])
    assert await _rows(database, "a", 2) == [[1, 2], [9, 10], [100]]
    assert await _rows(database, "a", 5) == [[1, 2, 9, 10, 100]]


async def test_products_of_other_requests_are_not_read(database: Database) -> None:
    await database.products.insert_many(
        [a_product(row, URLS, request_id) for request_id in ("a", "aa", "b") for row in (1, 2)]
    )
    assert await _rows(database, "a", 10) == [[1, 2]]
    assert await _rows(database, "c", 10) == []


async def test_inserting_products_again_adds_only_the_missing_ones(database: Database) -> None:
    await database.products.insert_many([a_product(1, URLS, "a")])
    await database.products.insert_many([a_product(1, (), "a"), a_product(2, URLS, "a")])
    await database.products.insert_many([])
    assert [batch async for batch in database.products.batches("a")] == [
        [a_product(1, URLS, "a"), a_product(2, URLS, "a")]
    ]


async def test_output_urls_are_recorded_by_row(subject: Subject) -> None:
    products = subject.database.products
    await products.insert_many([a_product(row, URLS, request_id) for request_id in ("a", "b") for row in (1, 2)])
    await products.save_outputs(
        "a", 1, [(1, ["http://imagemill.test/1.jpg", ""]), (2, ["", "http://imagemill.test/2.jpg"])]
    )
    await products.save_outputs("a", 1, [])
    await products.save_outputs("a", 1, [(3, ["http://imagemill.test/3.jpg"])])  # there is no such row
    assert subject.outputs("a") == {1: ["http://imagemill.test/1.jpg", ""], 2: ["", "http://imagemill.test/2.jpg"]}
    assert subject.outputs("b") == {}


async def test_output_urls_of_a_later_round_are_not_overwritten(
    subject: Subject,
) -> None:
    products = subject.database.products
    await products.insert_many([a_product(row, URLS, "a") for row in (1, 2)])
    await products.save_outputs("a", 2, [(1, ["http://imagemill.test/2.jpg"])])
    await products.save_outputs("a", 1, [(1, [""]), (2, [""])])
    assert subject.outputs("a") == {1: ["http://imagemill.test/2.jpg"], 2: [""]}
    await products.save_outputs("a", 2, [(1, ["http://imagemill.test/again.jpg"])])  # a finish is repeatable
    await products.save_outputs("a", 3, [(2, ["http://imagemill.test/3.jpg"])])
    assert subject.outputs("a") == {1: ["http://imagemill.test/again.jpg"], 2: ["http://imagemill.test/3.jpg"]}
