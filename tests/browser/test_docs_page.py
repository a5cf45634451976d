"""The documentation page in a browser: what a person fills in there is what the gateway receives."""

import asyncio
from pathlib import Path

import pytest

from services.gateway.upload.option_table import UPLOAD_OPTIONS, VALIDATION_OPTIONS
from tests.support.chromium import Chromium
from tests.support.docs_page import Operation, open_operation, section_sizes
from tests.support.received_forms import ReceivedForms
from tests.support.running_gateway import CSV, DEFAULTS, Gateway


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    file = tmp_path / "My Products.csv"
    file.write_bytes(CSV)
    return file


def url_of(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.port}"


async def opened(operation_id: str, browser: Chromium, gateway: Gateway) -> Operation:
    return await asyncio.to_thread(open_operation, browser.driver, url_of(gateway), operation_id)


async def execute(operation: Operation, **fields: str | Path) -> int:
    """Fill in the fields, execute the operation and return the status that the page shows."""
    for name, value in fields.items():
        await asyncio.to_thread(operation.fill_in, name, str(value))
    return await asyncio.to_thread(operation.execute)


async def test_an_upload_with_only_a_file_chosen_sends_only_the_file(
    browser: Chromium, gateway: Gateway, received: ReceivedForms, catalogue: Path
) -> None:
    status = await execute(await opened("uploadCatalogue", browser, gateway), file=catalogue)

    assert status == 202
    assert received.forms == [("/upload", ["file"])]
    [row] = gateway.database.tables.requests.values()
    assert (row.request.filename, row.request.options, row.request.webhook_url) == (catalogue.name, DEFAULTS, None)
    assert gateway.store.objects[row.request.upload_key].data == CSV


async def test_a_validation_with_only_a_file_chosen_sends_only_the_file(
    browser: Chromium, gateway: Gateway, received: ReceivedForms, catalogue: Path
) -> None:
    status = await execute(await opened("validateCatalogue", browser, gateway), file=catalogue)

    assert status == 200
    assert received.forms == [("/validate", ["file"])]
    assert gateway.holds_nothing()


async def test_fields_that_are_filled_in_are_sent(
    browser: Chromium, gateway: Gateway, received: ReceivedForms, catalogue: Path
) -> None:
    operation = await opened("uploadCatalogue", browser, gateway)

    status = await execute(operation, file=catalogue, percent="40", allow_resize="false")

    assert status == 202
    assert received.forms == [("/upload", ["allow_resize", "file", "percent"])]
    [row] = gateway.database.tables.requests.values()
    assert row.request.options == DEFAULTS.model_copy(update={"percent": 40, "allow_resize": False})


@pytest.mark.parametrize(
    ("operation_id", "options"), [("uploadCatalogue", UPLOAD_OPTIONS), ("validateCatalogue", VALIDATION_OPTIONS)]
)
async def test_the_form_has_one_empty_input_for_each_option(
    browser: Chromium, gateway: Gateway, operation_id: str, options: tuple[str, ...]
) -> None:
    operation = await opened(operation_id, browser, gateway)

    fields = await asyncio.to_thread(operation.fields)

    assert sorted(fields) == sorted((name, [""]) for name in ("file", *options))


async def test_no_section_is_empty(browser: Chromium, gateway: Gateway) -> None:
    sections = await asyncio.to_thread(section_sizes, browser.driver, url_of(gateway))

    assert sections == {"catalogues": 2, "requests": 3, "webhooks": 3, "files": 2}


async def test_the_page_contacts_only_the_gateway_and_reports_no_errors(
    browser: Chromium, gateway: Gateway, catalogue: Path
) -> None:
    url = f"{url_of(gateway)}/"
    await asyncio.to_thread(browser.requested_urls, url)
    await asyncio.to_thread(browser.console)

    await execute(await opened("uploadCatalogue", browser, gateway), file=catalogue)

    requested = await asyncio.to_thread(browser.requested_urls, url)
    assert {f"{url}docs", f"{url}openapi.json", f"{url}upload"} <= set(requested)
    assert [each for each in requested if not each.startswith(url)] == []
    assert await asyncio.to_thread(browser.console) == []
