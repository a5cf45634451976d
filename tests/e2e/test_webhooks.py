"""Webhooks on the whole stack: the log, replays, a receiver that wants no more, and tests."""

from base64 import b64encode
from typing import Any

from deploy.local.stack import LocalStack
from tests.support.collecting_receiver import CollectingReceiver
from tests.support.origin import Origin, Response, image
from tests.support.pictures import a_photo
from tests.support.stack import StackClient, a_catalogue
from tests.support.waiting import until


async def _upload(client: StackClient, origin: Origin, receiver: CollectingReceiver) -> str:
    urls = [origin.serve("/1.jpg", image(a_photo(1, 64, 64))), origin.serve("/gone.jpg", Response(status=404))]
    return await client.upload(a_catalogue([urls]), webhook_url=receiver.url)


async def _until_webhook(client: StackClient, request_id: str, state: str) -> dict[str, Any]:
    """The webhook's part of the status, once it has that state."""
    webhook: dict[str, Any] = {}

    async def has_state() -> bool:
        webhook.update((await client.http.get("/status", params={"request_id": request_id})).json()["webhook"])
        return bool(webhook["state"] == state)

    await until(has_state, 20, lambda: f"the webhook is {webhook}, not {state}")
    return webhook


async def _deliveries(client: StackClient, request_id: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await client.http.get(f"/requests/{request_id}/deliveries")).json()["deliveries"]
    return listed


async def _replay(client: StackClient, request_id: str) -> dict[str, Any]:
    """The first delivery, once it has been replayed."""
    delivery_id = (await _deliveries(client, request_id))[0]["delivery_id"]
    answer = await client.http.post(f"/requests/{request_id}/deliveries/{delivery_id}/replay")
    assert answer.status_code == 202, answer.text

    async def was_made() -> bool:
        return not (await _deliveries(client, request_id))[0]["replaying"]

    await until(was_made, 20, "the replay was made")
    return (await _deliveries(client, request_id))[0]


async def test_the_files_can_be_read_and_every_attempt_is_in_the_log(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver
) -> None:
    receiver.statuses = [503]
    request_id = await _upload(client, origin, receiver)
    await until(lambda: bool(receiver.calls), 20, "the webhook came")
    [event] = receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id).values()
    for name in ("output_csv_url", "report_url", "report_json_url", "failed_csv_url"):
        assert (await client.http.get(event["data"][name])).status_code == 200

    webhook = await _until_webhook(client, request_id, "delivered")
    assert (webhook["attempts"], webhook["last_error"], webhook["next_attempt_at"]) == (2, None, None)
    replayed = await _replay(client, request_id)
    assert [(attempt["status"], attempt["replay"]) for attempt in replayed["log"]] == [
        (503, False),
        (200, False),
        (200, True),
    ]
    assert (len(receiver.calls), len(receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id))) == (3, 1)


async def test_after_410_no_round_is_sent_until_a_replay_succeeds(
    client: StackClient, origin: Origin, receiver: CollectingReceiver
) -> None:
    receiver.statuses = [410]
    request_id = await _upload(client, origin, receiver)
    await _until_webhook(client, request_id, "disabled")
    await client.http.post(f"/requests/{request_id}/retry")
    assert (await client.finished(request_id))["round"] == 2

    async def both_are_listed() -> bool:
        return len(await _deliveries(client, request_id)) == 2

    await until(both_are_listed, 20, "the second round is listed")
    assert [delivery["state"] for delivery in await _deliveries(client, request_id)] == ["disabled", "disabled"]
    assert len(receiver.calls) == 1

    assert (await _replay(client, request_id))["state"] == "delivered"
    await client.http.post(f"/requests/{request_id}/retry")
    assert (await client.finished(request_id))["round"] == 3
    await _until_webhook(client, request_id, "delivered")
    assert len(receiver.calls) == 3


async def test_credentials_reach_the_receiver_and_appear_nowhere_else(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver
) -> None:
    """In the logs of all services, in responses and in files of the request."""
    receiver.statuses = [401]
    urls = [origin.serve("/1.jpg", image(a_photo(1, 64, 64))), "http://x.invalid/1.jpg"]
    webhook_url = receiver.url.replace("://", "://shop:hidden%27%C3%BCword@")
    request_id = await client.upload(a_catalogue([urls]), webhook_url=webhook_url)
    await _until_webhook(client, request_id, "delivered")
    [event] = receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id).values()
    tested = await client.http.post("/webhooks/test", json={"url": webhook_url})
    await _replay(client, request_id)

    token = b64encode("shop:hidden'\u00fcword".encode()).decode()
    assert [headers["authorization"] for headers, _ in receiver.calls] == [f"Basic {token}"] * 4
    pages = [
        f"/status?request_id={request_id}",
        f"/requests/{request_id}/deliveries",
        *(url for name, url in event["data"].items() if name.endswith("_url")),
    ]
    shown = [tested.text, *[(await client.http.get(page)).text for page in pages]]
    shown += [log.read_text(errors="replace") for log in stack.home.glob("logs/*.log") if "mongod" not in log.name]
    shown += [body.decode() for _, body in receiver.calls]
    for text in shown:
        assert "hidden" not in text
        assert token not in text


async def test_a_test_reaches_the_receiver(client: StackClient, receiver: CollectingReceiver) -> None:
    answer = await client.http.post("/webhooks/test", json={"url": receiver.url})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["delivered"], answer.json()["status"]) == (True, 200)
    assert len(receiver.calls) == 1
