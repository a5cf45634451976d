"""HTTP's conventions, on every address of the API: HEAD, query options, request ids."""

import httpx
import pytest

from tests.support.builders import REQUEST_ID, a_request
from tests.support.running_gateway import CSV, Gateway, problem

RESULT = f"results/{REQUEST_ID}/oak-table-0123456789abcdef.jpg"
OUTPUT = f"outputs/{REQUEST_ID}/1/products-compressed.csv"
ASSET = "static/swagger-ui/swagger-ui.css"
READABLE = [
    "",
    "docs",
    "openapi.json",
    ASSET,
    f"status?request_id={REQUEST_ID}",
    RESULT,
    OUTPUT,
    "livez",
    "readyz",
    "metrics",
]
PER_RESPONSE = {"date", "x-request-id"}


@pytest.fixture
async def filled(gateway: Gateway) -> Gateway:
    """A gateway with a request, a result and an output."""
    await gateway.database.requests.insert(a_request())
    await gateway.store.put_bytes(RESULT, bytes(range(256)) * 40, "image/jpeg")
    await gateway.store.put_bytes(OUTPUT, CSV * 40, "text/csv")
    return gateway


def described(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in PER_RESPONSE}


@pytest.mark.parametrize("path", READABLE)
async def test_head_is_answered_wherever_get_is(filled: Gateway, path: str) -> None:
    got = await filled.http.get(f"/{path}", headers={"Accept-Encoding": "identity"})
    head = await filled.http.head(f"/{path}", headers={"Accept-Encoding": "identity"})

    assert got.status_code in {200, 307, 503}
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert described(head) == described(got)


@pytest.mark.parametrize("path", ["status", RESULT, OUTPUT, "docs"])
async def test_a_wrong_method_is_refused_with_both_methods(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.delete(f"/{path}")

    problem(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["", "docs", "openapi.json", ASSET, RESULT, OUTPUT])
async def test_an_unknown_query_option_is_refused(filled: Gateway, path: str) -> None:
    document = problem(await filled.http.get(f"/{path}?width=3&v="), 422)

    assert document["type"] == "urn:imagemill:problem:options"
    assert document["errors"] == [
        {"detail": f"{name!r} is not an option; this address has none", "option": name} for name in ("width", "v")
    ]


async def test_a_retry_has_no_query_options(filled: Gateway) -> None:
    document = problem(await filled.http.post(f"/requests/{REQUEST_ID}/retry?images=failed"), 422)

    assert [error["option"] for error in document["errors"]] == ["images"]


@pytest.mark.parametrize("path", ["livez", "metrics"])
async def test_health_endpoints_ignore_query_options(gateway: Gateway, path: str) -> None:
    assert (await gateway.http.get(f"/{path}?name=imagemill_ready")).status_code == 200


@pytest.mark.parametrize(
    ("query", "kind", "details"),
    [
        ("", "parameter", ["request_id is missing"]),
        ("?request_id=", None, []),
        (
            f"?id={REQUEST_ID}",
            "parameter",
            ["request_id is missing", "'id' is not an option; the only one is request_id"],
        ),
        (f"?request_id={REQUEST_ID}&request_id=x", "parameter", ["request_id is given 2 times"]),
        (f"?request_id={REQUEST_ID}&verbose=1", "options", ["'verbose' is not an option; the only one is request_id"]),
    ],
)
async def test_a_status_needs_exactly_one_request_id(
    filled: Gateway, query: str, kind: str | None, details: list[str]
) -> None:
    answer = await filled.http.get(f"/status{query}")

    document = problem(answer, 422 if kind else 404)
    assert document["type"] == f"urn:imagemill:problem:{kind or 'unknown-request'}"
    assert [error["detail"] for error in document.get("errors", [])] == details


async def test_a_request_id_is_accepted_in_any_case(filled: Gateway) -> None:
    status = await filled.http.get("/status", params={"request_id": REQUEST_ID.lower()})
    retry = await filled.http.post(f"/requests/{REQUEST_ID.lower()}/retry")
    output = await filled.http.get(f"/{OUTPUT.replace(REQUEST_ID, REQUEST_ID.lower())}")

    assert (status.status_code, status.json()["request_id"]) == (200, REQUEST_ID)
    assert problem(retry, 409)["type"] == "urn:imagemill:problem:under-way"
    assert output.status_code == 200


@pytest.mark.parametrize(
    "text", ["\N{LATIN SMALL LETTER DOTLESS I}" * 26, "8" + REQUEST_ID[1:], REQUEST_ID[:-1] + "U", REQUEST_ID + "\n"]
)
async def test_what_is_not_a_ulid_is_an_unknown_request(filled: Gateway, text: str) -> None:
    problem(await filled.http.get("/status", params={"request_id": text}), 404)
