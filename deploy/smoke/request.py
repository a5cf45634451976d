"""Sends one request through a running gateway and checks every promise to its user."""

import base64
import csv
import hashlib
import hmac
import io
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

ORIGIN = "http://origin:8080"
MISSING = f"{ORIGIN}/missing.jpg"
PRODUCTS = [
    (f"Lamp {row}", [f"{ORIGIN}/{row}.jpg", f"{ORIGIN}/{row}.png", f"{ORIGIN}/{row}.webp"]) for row in range(1, 8)
] + [("Chair, folding", [f"{ORIGIN}/flaky/1.jpg", MISSING, f"{ORIGIN}/1.jpg"])]

Compose = Callable[..., str]


def run_request(base_url: str, compose: Compose, webhook_secret: str) -> list[str]:
    """Upload, wait, read all results. Returns the faults found."""
    _until_ready(base_url)
    status = _until_done(base_url, _upload(base_url)["request_id"])
    faults = [] if status["status"] == "Completed" else [f"the request ended as {status['status']}"]
    faults += _faults_in_output(_rows(status["output_csv_url"]))
    faults += _faults_in_report(_rows(status["report_url"]))
    return faults + _faults_in_webhook(compose, webhook_secret, status["request_id"])


def _until_ready(base_url: str) -> None:
    def ready() -> bool:
        with _open(f"{base_url}/readyz") as answer:
            return bool(answer.status == 200)

    _wait(ready, "the gateway did not become ready", seconds=60)


def _upload(base_url: str) -> dict[str, Any]:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["S. No.", "Product Name", "Input Image Urls"])
    writer.writerows([row, name, ",".join(urls)] for row, (name, urls) in enumerate(PRODUCTS, 1))
    request = Request(  # noqa: S310 (our own gateway)
        f"{base_url}/upload?webhook_url={ORIGIN}/hook",
        data=table.getvalue().encode(),
        headers={"content-type": "text/csv"},
    )
    with _open(request) as answer:
        return dict(json.load(answer))


def _until_done(base_url: str, request_id: str) -> dict[str, Any]:
    status: dict[str, Any] = {}

    def done() -> bool:
        with _open(f"{base_url}/status?request_id={request_id}") as answer:
            status.update(json.load(answer))
        return bool(status["status"] != "Pending")

    _wait(done, "the request did not finish", seconds=180)
    return status


def _rows(url: str) -> list[dict[str, str]]:
    with _open(url) as answer:
        return list(csv.DictReader(io.TextIOWrapper(answer, encoding="utf-8-sig", newline="")))


def _faults_in_output(rows: list[dict[str, str]]) -> list[str]:
    faults = []
    if [row["Product Name"] for row in rows] != [name for name, _ in PRODUCTS]:
        faults.append("the output CSV has other products than the input")
    for row, (name, urls) in zip(rows, PRODUCTS, strict=False):
        slots = [slot.strip() for slot in row["Output Image Urls"].split(",")]
        if [bool(slot) for slot in slots] != [url != MISSING for url in urls]:
            faults.append(f"{name}: wrong slots {slots}")
        faults += [f"{slot} cannot be fetched" for slot in slots if slot and not _is_image(slot)]
    return faults


def _is_image(url: str) -> bool:
    with _open(url) as answer:
        return answer.headers["content-type"].startswith("image/") and len(answer.read()) > 100


def _faults_in_report(rows: list[dict[str, str]]) -> list[str]:
    slots = sum(len(urls) for _, urls in PRODUCTS)
    faults = [] if len(rows) == slots else [f"the report has {len(rows)} rows for {slots} slots"]
    columns = {name.lower().replace(" ", "_"): name for name in (rows[0] if rows else ())}
    sizes = [(int(row[columns["bytes_in"]] or 0), int(row[columns["bytes_out"]] or 0)) for row in rows]
    return faults + [f"not halved: {before} bytes became {after}" for before, after in sizes if after * 2 > before]


def _faults_in_webhook(compose: Compose, secret: str, request_id: str) -> list[str]:
    webhooks: list[dict[str, Any]] = []
    ask = f"from urllib.request import urlopen; print(urlopen('{ORIGIN}/webhooks').read().decode())"

    def arrived() -> bool:
        webhooks[:] = json.loads(compose("exec", "-T", "origin", "python", "-c", ask))
        return bool(webhooks)

    _wait(arrived, "no webhook came", seconds=60)
    faults = [] if len({hook["headers"]["webhook-id"] for hook in webhooks}) == 1 else ["more than one webhook"]
    if request_id not in webhooks[0]["body"]:
        faults.append("the webhook is about another request")
    return faults if _is_signed(webhooks[0], secret) else [*faults, "the webhook's signature is wrong"]


def _is_signed(hook: dict[str, Any], secret: str) -> bool:
    """Verify by the Standard Webhooks specification, without the library that signs."""
    head = hook["headers"]
    signed = f"{head['webhook-id']}.{head['webhook-timestamp']}.{hook['body']}".encode()
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}" in head["webhook-signature"].split()


def _open(target: str | Request) -> Any:
    return urlopen(target, timeout=20)  # noqa: S310 (our own gateway)


def _wait(condition: Callable[[], bool], otherwise: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except URLError:  # not up yet, or 503
            pass
        time.sleep(0.5)
    raise TimeoutError(otherwise)
