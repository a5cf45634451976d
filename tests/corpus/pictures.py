"""A corpus of pictures: through the stack, then judged one by one."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from shared.contracts.messages import CompressOptions
from tests.corpus.files import CorpusFile
from tests.corpus.html_report import as_html
from tests.corpus.judged import Judged
from tests.corpus.look import Looker
from tests.corpus.submit import Outcome, through_the_stack
from tests.corpus.summary import as_json, as_text
from tests.corpus.thumbnails import write_thumbnail
from tests.corpus.verdict import judge
from tests.oracle import BrowserOracle, metadata_of

_DEFAULTS = CompressOptions()


def judge_pictures(
    folder: Path, files: Sequence[CorpusFile], out: Path, options: Mapping[str, str], seconds: float
) -> str:
    """Write the report and the summary into the new folder `out`; returns the summary as text.

    seconds: for the stack, and again for the oracles; files beyond are left out and counted.
    """
    print(f"{len(files)} pictures through the stack", flush=True)
    outcomes = asyncio.run(through_the_stack(folder, files, out, options, seconds))
    print("judging", flush=True)
    judged = list(_judged(outcomes, out, options, seconds))
    judged.sort(key=lambda each: -each.verdict.score)
    text = f"{len(judged)} of {len(files)} files judged; options: {dict(options) or 'none'}\n\n{as_text(judged)}"
    (out / "summary.json").write_text(as_json(judged, options))
    (out / "summary.md").write_text(text)
    (out / "index.html").write_text(as_html(f"Corpus: {folder.name}", text, judged))
    return text


def _judged(outcomes: Sequence[Outcome], out: Path, options: Mapping[str, str], seconds: float) -> Iterator[Judged]:
    end = time.monotonic() + seconds
    metadata = metadata_of(out / "results")
    small = out / "pictures"
    small.mkdir()
    with BrowserOracle(out / "browser") as browser:
        looker = Looker(browser)
        for number, outcome in enumerate(outcomes):
            if time.monotonic() > end:
                return
            result = outcome.result
            seen = looker.look(
                outcome.file.read(),
                result.read_bytes() if result else None,
                metadata[result.name] if result else (),
            )
            thumbnails = [
                write_thumbnail(shown, small / f"{number:05}-{side}.png")
                for side, shown in (("original", seen.original), ("result", seen.result))
            ]
            yield Judged(
                outcome.file.name,
                outcome.file.sha256,
                outcome.line,
                seen.original is not None,
                judge(outcome.line, seen, int(options.get("percent", _DEFAULTS.percent)), strip=_strips(options)),
                max(seen.differences, key=lambda each: each.worst_tile, default=None),
                *(f"pictures/{name}" if name else "" for name in thumbnails),
            )


def _strips(options: Mapping[str, str]) -> bool:
    return options.get("metadata", _DEFAULTS.metadata) == "strip"
