"""Files through the running stack: one request for all, from the upload to its report and its results."""

import asyncio
import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

from benchmarks.uploads import catalogue, upload
from tests.corpus.files import CorpusFile
from tests.corpus.host import served
from tests.corpus.stack import running_stack

_POLL_SECONDS = 1.0
_CANCEL_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """line: the file's row of the report. result: where the result is stored, None without one."""

    file: CorpusFile
    line: Mapping[str, str]
    result: Path | None


async def through_the_stack(
    folder: Path, files: Sequence[CorpusFile], out: Path, options: Mapping[str, str], seconds: float
) -> list[Outcome]:
    """The outcomes in the order of `files`. Images without a result after `seconds` are cancelled.

    out: where the stack and the results are stored.
    """
    results = out / "results"
    results.mkdir(parents=True)
    with served(folder) as host:
        urls = {f"{host}/{quote(os.fsencode(file.name))}": file for file in files}
        async with running_stack(out) as http:
            status = await _finished(http, await upload(http, catalogue(urls), **options), seconds)
            report = (await http.get(status["report_url"])).raise_for_status().text
            lines = {line["Input Image Url"]: line for line in csv.DictReader(io.StringIO(report, newline=""))}
            return [
                Outcome(file, lines[url], await _fetched(http, lines[url], results / f"{number:05}"))
                for number, (url, file) in enumerate(urls.items())
            ]


async def _finished(http: httpx.AsyncClient, location: str, seconds: float) -> Mapping[str, str]:
    try:
        async with asyncio.timeout(seconds):
            return await _end(http, location)
    except TimeoutError:
        (await http.post(f"/requests/{location.partition('request_id=')[2]}/cancel")).raise_for_status()
        async with asyncio.timeout(_CANCEL_SECONDS):
            return await _end(http, location)


async def _end(http: httpx.AsyncClient, location: str) -> Mapping[str, str]:
    shown = 0
    while True:
        status = (await http.get(location)).raise_for_status().json()
        if status["status"] != "Pending":
            return dict(status)
        ended = status["progress"]["compressed"] + status["progress"]["failed"]
        if ended >= shown + 100:
            shown = ended
            print(f"  {ended} of {status['progress']['total']} images have ended", flush=True)
        await asyncio.sleep(_POLL_SECONDS)


async def _fetched(http: httpx.AsyncClient, line: Mapping[str, str], path: Path) -> Path | None:
    if line["State"] != "compressed":
        return None
    path = path.with_suffix(Path(line["Output Image Url"]).suffix)
    path.write_bytes((await http.get(line["Output Image Url"])).raise_for_status().content)
    return path
