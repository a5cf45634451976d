"""Uploads one catalogue, follows it, and checks everything that comes back against the promises."""

import asyncio
import csv
import io
import json
import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from deploy.local.demo.catalogue import Slot, read_slots, write_catalogue
from deploy.local.demo.checks import Checks
from deploy.local.demo.client import Client, Status
from deploy.local.demo.compare import Comparison
from deploy.local.demo.shop import ReceivedWebhook, Shop

DONE_SECONDS = 120
WEBHOOK_SECONDS = 30


@dataclass(frozen=True)
class Results:
    """The results of the request: the output CSV, each photograph before and after, the webhook's body."""

    output_csv: str
    photographs: Sequence[Comparison]
    webhook: dict[str, Any]


async def process_catalogue(
    client: Client, shop: Shop, secret: str, checks: Checks, show: Callable[[Status], None]
) -> Results:
    """Process the shop's catalogue and check every promise on the results.

    Raises:
        httpx.HTTPError, TimeoutError, ValueError, OSError: a result is missing or cannot be read.
    """
    catalogue = write_catalogue(shop.url)
    request_id = await _upload(client, catalogue, f"{shop.url}/webhook", checks)
    status = await client.finished(request_id, show, DONE_SECONDS)
    checks.add("the request ends as Completed", status["status"] == "Completed")
    output_csv = (await client.get(status["output_csv_url"])).text
    slots = read_slots(output_csv, catalogue)
    report = list(csv.DictReader(io.StringIO((await client.get(status["report_url"])).text)))
    in_report = [line["Input Image Url"] for line in report]
    checks.add("the report has a row for each slot", in_report == [slot.url_in for slot in slots])
    empty = {f"{line['Input Image Url']} {line['Error Code']}" for line in report if not line["Output Image Url"]}
    checks.add("  ".join(["every slot is filled, in the input's order", *sorted(empty)]), held=not empty)
    ssim = {line["Input Image Url"]: line["SSIM"] for line in report}
    photographs = await _compare(client, [slot for slot in slots if slot.url_out], ssim, checks)
    webhook = await _webhook(shop, secret, request_id, checks)
    return Results(output_csv, photographs, webhook)


async def _upload(client: Client, catalogue: str, webhook_url: str, checks: Checks) -> str:
    answer = await client.upload(catalogue, webhook_url)
    accepted = answer.status_code == 202 and answer.json()["status"] == "Pending"
    checks.add("the upload is accepted with 202 and Pending", accepted)
    says_where = {"location", "retry-after"} <= set(answer.headers)
    checks.add("the response says where and when to ask for the status", says_where)
    return str(answer.json()["request_id"])


async def _compare(
    client: Client, slots: Sequence[Slot], ssim: Mapping[str, str], checks: Checks
) -> Sequence[Comparison]:
    compared = [await _compare_one(client, slot, ssim[slot.url_in]) for slot in slots]
    outputs = {(slot.url_in, slot.url_out) for slot in slots}
    by_url = {slot.url_in: comparison for slot, comparison in zip(slots, compared, strict=True)}
    checks.add("a URL that occurs in two rows has one output", len(outputs) == len(by_url))
    checks.add("GET and HEAD report each output's type and length correctly", all(one.true_headers for one in compared))
    checks.add("each slot holds the right photograph", all(one.same_picture for one in compared))
    as_before = all(one.same_format and one.same_size and one.same_frames for one in compared)
    checks.add("in the same format and dimensions, with all frames of an animation", as_before)
    checks.add("at most half its bytes", all(2 * one.bytes_after <= one.bytes_before for one in compared))
    return list(by_url.values())


async def _compare_one(client: Client, slot: Slot, ssim: str) -> Comparison:
    answers = await client.get(slot.url_in), await client.get(slot.url_out), await client.head(slot.url_out)
    return await asyncio.to_thread(Comparison.of, slot.url_in.rsplit("/", 1)[-1], ssim, *answers)


async def _webhook(shop: Shop, secret: str, request_id: str, checks: Checks) -> dict[str, Any]:
    try:
        delivery = await asyncio.to_thread(shop.deliveries.get, timeout=WEBHOOK_SECONDS)
    except queue.Empty:
        checks.add(f"the webhook arrives (none within {WEBHOOK_SECONDS} s)", held=False)
        return {}
    checks.add("the webhook's signature verifies", _verifies(delivery, secret))
    body: dict[str, Any] = json.loads(delivery.body)
    names_it = body["type"] == "request.completed" and body["data"]["request_id"] == request_id
    checks.add("the webhook reports that this request is completed", names_it)
    return body


def _verifies(delivery: ReceivedWebhook, secret: str) -> bool:
    try:
        Webhook(secret).verify(delivery.body, delivery.headers)
    except WebhookVerificationError:
        return False
    return True
