"""A corpus of catalogues: validated, uploaded, and compared with an independent reading."""

import asyncio
import html
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.corpus.catalogue_reading import Reading, led_to, read, rows_of
from tests.corpus.files import CorpusFile
from tests.corpus.host import any_path
from tests.corpus.html_report import as_page
from tests.corpus.stack import running_stack
from tests.zoo import specimen

_POLL_SECONDS = 0.3
_UPLOAD_SECONDS = 30


@dataclass(slots=True)
class CatalogueOutcome:
    """validation: the response to the file as it is, a problem document if it is refused. faults: where we differ."""

    name: str
    reading: Reading
    validation: dict[str, Any]
    faults: list[str]


def judge_catalogues(files: Sequence[CorpusFile], out: Path, seconds: float) -> str:
    """Write the report and the summary into the new folder `out`; returns the summary as text.

    seconds: files that are not reached are left out.
    """
    outcomes = asyncio.run(_through_the_stack(files, out, seconds))
    outcomes.sort(key=lambda each: (not each.faults, "status" not in each.validation, each.name))
    text = _as_text(outcomes, len(files))
    (out / "summary.json").write_text(json.dumps([asdict(each) for each in outcomes], indent=1) + "\n")
    (out / "summary.md").write_text(text)
    (out / "index.html").write_text(_as_html(text, outcomes))
    return text


async def _through_the_stack(files: Sequence[CorpusFile], out: Path, seconds: float) -> list[CatalogueOutcome]:
    outcomes: list[CatalogueOutcome] = []
    with any_path(specimen("jpeg").data) as host:
        async with running_stack(out) as http:
            end = time.monotonic() + seconds
            for file in files:
                if time.monotonic() > end:
                    break
                outcomes.append(await _judged(http, file, host))
    return outcomes


async def _judged(http: httpx.AsyncClient, file: CorpusFile, host: str) -> CatalogueOutcome:
    data = file.read()
    answer = await _post(http, "/validate", file, data)
    reading = read(data)
    outcome = CatalogueOutcome(file.name, reading, answer.json(), _validation_faults(answer, reading))
    if answer.is_success:
        outcome.faults += await _upload_faults(http, file, led_to(host, data), host)
    return outcome


def _validation_faults(answer: httpx.Response, reading: Reading) -> list[str]:
    found = answer.json()
    if answer.is_server_error:
        return [f"HTTP {answer.status_code}"]
    if answer.is_error:
        return [f"refused with {reading.urls} URLs of images: {_reason(found)}"] if reading.urls else []
    faults = []
    if found["rows"] != reading.rows:
        faults.append(f"{found['rows']} rows, {reading.rows} by Python's csv")
    if found["slots"] < reading.urls:
        faults.append(f"{found['slots']} slots, {reading.urls} URLs of images")
    return faults


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
    findings = [
        each["problem"] + (f" ({each['text']})" if each["text"] else "") for each in problem.get("findings", [])[:3]
    ]
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
    head = "<tr><th>file<th>faults<th>independent reading<th>ours</tr>"
    return as_page("Corpus of catalogues", text, f"<table>{head}{rows}</table>")
