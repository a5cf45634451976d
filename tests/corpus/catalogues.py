"""A corpus of catalogues: validated, uploaded, and compared with an independent reading."""

import asyncio
import html
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from deploy.local.stack import LocalStack
from tests.corpus.catalogue_reading import Reading, led_to, read, rows_of
from tests.corpus.files import CorpusFile
from tests.corpus.host import any_path

_SETTINGS = {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "LOG_LEVEL": "WARNING", "PUBLIC_BASE_URL": ""}
_POLL_SECONDS = 0.3
_SECONDS = 60
_UPLOAD_SECONDS = 30


@dataclass(slots=True)
class CatalogueOutcome:
    """validation: the response to the file as it is, a problem document if it is refused. faults: where we differ."""

    name: str
    reading: Reading
    validation: dict[str, Any]
    faults: list[str] = field(default_factory=list)


def judge_catalogues(files: Sequence[CorpusFile], picture: bytes, out: Path, seconds: float) -> str:
    """Write the report and the summary into the new folder `out`; returns the summary as text.

    picture: what each URL of each catalogue leads to, on loopback. seconds: files that are not reached are left out.
    """
    outcomes = asyncio.run(_through_the_stack(files, picture, out, seconds))
    outcomes.sort(key=lambda each: (not each.faults, "status" not in each.validation, each.name))
    text = _as_text(outcomes, len(files))
    (out / "summary.json").write_text(json.dumps([asdict(each) for each in outcomes], indent=1) + "\n")
    (out / "summary.md").write_text(text)
    (out / "index.html").write_text(_as_html(text, outcomes))
    return text


async def _through_the_stack(
    files: Sequence[CorpusFile], picture: bytes, out: Path, seconds: float
) -> list[CatalogueOutcome]:
    outcomes: list[CatalogueOutcome] = []
    with any_path(picture) as host:
        async with (
            LocalStack(out / "stack", _SETTINGS) as stack,
            httpx.AsyncClient(base_url=stack.gateway_url, timeout=_SECONDS) as http,
        ):
            end = asyncio.get_running_loop().time() + seconds
            for file in files:
                if asyncio.get_running_loop().time() > end:
                    break
                outcomes.append(await _judged(http, file, host))
    return outcomes


async def _judged(http: httpx.AsyncClient, file: CorpusFile, host: str) -> CatalogueOutcome:
    data = file.read()
    answer = await _post(http, "/validate", file, data)
    outcome = CatalogueOutcome(file.name, read(data), answer.json())
    if answer.status_code >= 500:
        outcome.faults.append(f"HTTP {answer.status_code}")
    elif answer.is_error:
        if outcome.reading.urls:
            outcome.faults.append(f"refused with {outcome.reading.urls} URLs of images: {_reason(answer.json())}")
    else:
        found = outcome.validation
        if found["rows"] != outcome.reading.rows:
            outcome.faults.append(f"{found['rows']} rows, {outcome.reading.rows} by Python's csv")
        if found["slots"] < outcome.reading.urls:
            outcome.faults.append(f"{found['slots']} slots, {outcome.reading.urls} URLs of images")
        outcome.faults += await _upload_faults(http, file, led_to(host, data), host)
    return outcome


async def _upload_faults(http: httpx.AsyncClient, file: CorpusFile, data: bytes, host: str) -> list[str]:
    """Upload the catalogue with its URLs led to `host`, unless it still names another host."""
    found = (await _post(http, "/validate", file, data)).json()
    if set(found.get("slots_by_host", {})) - {host, host.partition(":")[0]}:
        return []
    answer = await _post(http, "/upload", file, data)
    if answer.is_error:
        return [f"validated, but not uploaded: {answer.text[:200]}"]
    try:
        async with asyncio.timeout(_UPLOAD_SECONDS):
            while (status := (await http.get(answer.headers["location"])).json())["status"] == "Pending":
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        await http.post(f"/requests/{answer.json()['request_id']}/cancel")
        return [f"not finished within {_UPLOAD_SECONDS} seconds"]
    output = (await http.get(status["output_csv_url"])).content
    faults = []
    expected, got = (
        rows_of(text.decode(read(text).encoding, "replace"), read(data).delimiter) for text in (data, output)
    )
    if expected != got:
        faults.append(f"the output has {got} rows instead of {expected}")
    if status["progress"]["failed"] > found["refused_slots"]:
        faults.append(f"{status['progress']['failed']} images failed")
    return faults


def _reason(problem: Mapping[str, Any]) -> str:
    findings = [f"{each['problem']} ({each['text']})" for each in problem.get("findings", [])[:3]]
    return "; ".join([str(problem.get("detail", "")), *findings])


async def _post(http: httpx.AsyncClient, path: str, file: CorpusFile, data: bytes) -> httpx.Response:
    return await http.post(path, files={"file": (file.path.name, data, "text/csv")})


def _as_text(outcomes: Sequence[CatalogueOutcome], files: int) -> str:
    taken = [each for each in outcomes if "rows" in each.validation]
    profiles = Counter(each.validation["profile"] for each in taken)
    lines = [
        f"{len(outcomes)} of {files} catalogues judged, {len(taken)} taken, {len(outcomes) - len(taken)} refused",
        f"{sum(bool(each.faults) for each in outcomes)} differ from the independent reading",
        "profiles: " + ", ".join(f"{name} {count}" for name, count in profiles.most_common()),
        "",
        *(f"- {each.name}: {'; '.join(each.faults)}" for each in outcomes if each.faults),
    ]
    return "\n".join(lines) + "\n"


def _as_html(text: str, outcomes: Sequence[CatalogueOutcome]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(each.name)}<td>{html.escape('; '.join(each.faults))}"
        f"<td>{html.escape(str(each.reading))}"
        f"<td><pre>{html.escape(json.dumps(each.validation, indent=1)[:3000])}</pre>"
        for each in outcomes
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Corpus of catalogues</title>"
        "<style>td{border-top:1px solid #ccc;vertical-align:top;overflow-wrap:anywhere}</style>"
        f"<pre>{html.escape(text)}</pre><table><tr><th>file<th>faults<th>independent reading<th>ours</tr>{rows}</table>"
    )
