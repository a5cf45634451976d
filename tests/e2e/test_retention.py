"""A finished request expires, and then nothing of it is left."""

import asyncio
from datetime import datetime, timedelta

from deploy.local.stack import LocalStack
from tests.support.collecting_receiver import CollectingReceiver
from tests.support.expiry import expire, until_gone, what_is_left
from tests.support.origin import Origin, image
from tests.support.pictures import a_photo
from tests.support.stack import OUTPUT_COLUMN, StackClient, a_catalogue
from tests.support.waiting import until


async def test_a_request_is_gone_once_it_has_expired_and_its_neighbour_is_not(
    stack: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver
) -> None:
    products = [[origin.serve(f"/{number}.jpg", image(a_photo(number, 64, 64)))] for number in range(5)]
    request_id = await client.upload(a_catalogue(products), webhook_url=receiver.url, retention_days="3")
    neighbour = await client.upload(a_catalogue(products))
    status = await client.finished(request_id)
    kept = await client.finished(neighbour)
    finished_at = datetime.fromisoformat(status["updated_at"])
    assert datetime.fromisoformat(status["expires_at"]) == finished_at + timedelta(days=3)
    assert datetime.fromisoformat(kept["expires_at"]) > finished_at + timedelta(days=29)

    async def called() -> bool:
        return bool(receiver.calls)

    await until(called, 20)
    [body] = receiver.verified(stack.joint()["WEBHOOK_SECRET"], request_id).values()
    assert body["data"]["expires_at"] == status["expires_at"]
    [result, *_] = [row[OUTPUT_COLUMN] for row in await client.table(status["output_csv_url"])]
    assert await what_is_left(stack, request_id)

    await asyncio.to_thread(expire, stack, request_id)
    assert (await client.http.get("/status", params={"request_id": request_id})).status_code == 404
    await until_gone(stack, request_id)
    assert (await client.http.get(result)).status_code == 404
    assert (await client.http.get(kept["output_csv_url"])).status_code == 200
