"""The documentation page, the OpenAPI document, the health endpoints and readiness."""

import json
from collections.abc import Awaitable
from typing import Any

import httpx

from services.gateway.api import build_starting_app
from shared.observability import Health, HealthEndpoints
from tests.support.builders import REQUEST_ID, a_request
from tests.support.running_gateway import (
    CSV,
    RESULT_KEY,
    Gateway,
    problem,
)
from tests.support.waiting import until


async def test_the_documentation_page_needs_no_other_server(gateway: Gateway) -> None:
    home = await gateway.http.get("/")
    page = await gateway.http.get("/docs")

    assert (home.status_code, home.headers["Location"]) == (307, "docs")
    assert page.status_code == 200
    assert "://" not in page.text
    for asset in (
        "swagger-ui/swagger-ui-bundle.js",
        "swagger-ui/swagger-ui.css",
        "swagger-ui/favicon-32x32.png",
        "docs.js",
    ):
        assert f'"static/{asset}"' in page.text
        assert (await gateway.http.get(f"/static/{asset}")).status_code == 200


async def test_the_openapi_document_lists_every_route_and_response(gateway: Gateway) -> None:
    document = (await gateway.http.get("/openapi.json")).json()

    actions = {f"/requests/{{request_id}}/{action}" for action in ("cancel", "retry")}
    deliveries = "/requests/{request_id}/deliveries"
    assert set(document["paths"]) == actions | {
        "/upload",
        "/validate",
        "/status",
        "/results/{path}",
        "/outputs/{path}",
        "/webhooks/test",
        deliveries,
        f"{deliveries}/{{delivery_id}}/replay",
    }
    for action in actions:
        assert document["paths"][action]["post"]["responses"].keys() == {"202", "404", "409", "422", "500", "503"}
    upload = document["paths"]["/upload"]["post"]
    assert {"multipart/form-data", "text/csv"} <= upload["requestBody"]["content"].keys()
    assert {"200", "202", "400", "408", "413", "415", "422", "503"} == upload["responses"].keys()
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                assert int(status) < 400 or "application/problem+json" in response["content"]
    for reference in references(document):
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
    assert "HTTPValidationError" not in json.dumps(document)


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        here = [part["$ref"]] if "$ref" in part else []
        return here + [each for value in part.values() for each in references(value)]
    return [each for value in part for each in references(value)] if isinstance(part, list) else []


async def test_health_and_metrics_are_on_the_port_of_the_api(gateway: Gateway) -> None:
    gateway.health.set_ready("database", False, "no primary")

    assert (await gateway.http.get("/livez")).status_code == 200
    unready = await gateway.http.get("/readyz")
    assert unready.status_code == 503
    assert "no primary" in unready.text
    gateway.health.set_ready("database", True)
    assert (await gateway.http.get("/readyz")).status_code == 200
    assert "imagemill_upload_bytes_total" in (await gateway.http.get("/metrics")).text


async def readiness(gateway: Gateway) -> int:
    return (await gateway.http.get("/readyz")).status_code


async def is_ready(gateway: Gateway) -> bool:
    return await readiness(gateway) == 200


async def test_a_request_that_needs_the_store_makes_the_gateway_unready_until_the_store_answers(
    gateway: Gateway, picture: bytes
) -> None:
    assert picture
    await gateway.database.requests.insert(a_request())
    assert await readiness(gateway) == 200
    for method, path in (("GET", f"/{RESULT_KEY}"), ("POST", "/upload")):
        gateway.store.available = False
        problem(await gateway.http.request(method, path, files={"file": CSV} if method == "POST" else None), 503)

        unready = await gateway.http.get("/readyz")

        assert (unready.status_code, list(unready.json()["not_ready"])) == (503, ["storage"])
        assert (await gateway.http.get("/status", params={"request_id": REQUEST_ID})).status_code == 200
        gateway.store.available = True
        await until(lambda: is_ready(gateway), what="the gateway is ready")


async def test_a_request_that_needs_the_database_makes_the_gateway_unready_until_the_database_answers(
    gateway: Gateway, picture: bytes
) -> None:
    gateway.database.available = False
    problem(await gateway.http.get("/status", params={"request_id": REQUEST_ID}), 503)

    assert await readiness(gateway) == 503
    assert (await gateway.http.get(f"/{RESULT_KEY}")).content == picture
    gateway.database.available = True
    await until(lambda: is_ready(gateway), what="the gateway is ready")


async def test_a_starting_gateway_answers_only_the_health_endpoints(gateway: Gateway) -> None:
    gateway.server.app = build_starting_app(HealthEndpoints(Health(), gateway.registry))

    assert (await gateway.http.get("/livez")).status_code == 200
    assert (await gateway.http.get("/readyz")).status_code == 503
    upload: Awaitable[httpx.Response] = gateway.http.post("/upload", files={"file": CSV})
    problem(await upload, 503)
    problem(await gateway.http.get("/status", params={"request_id": REQUEST_ID}), 503)
