"""The summaries: counts by format, refusals by error code, the distribution of differences. Pure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.compress.tables import table
from tests.corpus.judged import Judged
from tests.corpus.verdict import Fault

_SHARES = (50, 90, 99, 100)


def as_json(judged: Sequence[Judged], options: Mapping[str, str]) -> str:
    """Every file, in the order of the report."""
    counts = Counter(fault.name.lower() for each in judged for fault in each.verdict.faults)
    head = {"options": dict(options), "files": len(judged), "faults": dict(counts.most_common())}
    return json.dumps({**head, "results": [each.record() for each in judged]}, indent=1) + "\n"


def as_text(judged: Sequence[Judged]) -> str:
    """One screen, as Markdown."""
    parts = [_formats(judged), _refusals(judged), _differences(judged), _faults(judged)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _formats(judged: Sequence[Judged]) -> str:
    head = ("result", "files", "compressed", "original kept", "bytes saved", "without a fault")
    rows = []
    for kind in sorted({each.line["Format"] for each in judged if each.compressed}):
        some = [each for each in judged if each.line["Format"] == kind]
        given, made = (sum(int(each.line[name]) for each in some) for name in ("Bytes In", "Bytes Out"))
        kept = sum(each.line["Action"] == "kept_original" for each in some)
        clean = sum(not each.verdict.faults for each in some)
        counts = (len(some), len(some) - kept, kept, f"{100 - 100 * made / given:.0f} %", clean)
        rows.append((kind, *map(str, counts)))
    return table(head, rows) if rows else ""


def _refusals(judged: Sequence[Judged]) -> str:
    failed = [each for each in judged if not each.compressed]
    counts = Counter(map(_refusal, failed))
    shown = Counter(_refusal(each) for each in failed if each.shown)
    rows = [(name, str(count), str(shown[name])) for name, count in sorted(counts.items(), key=_order)]
    return table(("without a result", "files", "of them shown by the browser"), rows) if rows else ""


def _refusal(judged: Judged) -> str:
    """The code, and the beginning of its detail: what the file was, without the decoder's own words."""
    line = judged.line
    detail = line["Error Detail"].partition(":")[0].partition(",")[0].removeprefix("the file is ")
    return f"`{line['Error Code'] or line['State']}`: {detail}"


def _order(counted: tuple[str, int]) -> tuple[str, int]:
    """By code, then the most frequent first."""
    name, count = counted
    return name.partition(":")[0], -count


def _differences(judged: Sequence[Judged]) -> str:
    worst = [each.worst for each in judged if each.worst]
    if not worst:
        return ""
    figures = {
        "mean of the picture": [each.mean for each in worst],
        "99 % of its pixels": [each.p99 for each in worst],
        "its worst tile": [each.worst_tile for each in worst],
        "shift of a tile's colour": [each.shift for each in worst],
    }
    rows = [(name, *(f"{np.percentile(values, share):.1f}" for share in _SHARES)) for name, values in figures.items()]
    return table(("CIEDE2000", *(f"{share} % of files" for share in _SHARES)), rows)


def _faults(judged: Sequence[Judged]) -> str:
    rows = []
    for fault in Fault:
        some = [each for each in judged if fault in each.verdict.faults]
        if some:
            rows.append((fault.value, str(len(some)), some[0].name[-60:]))
    return table(("fault", "files", "for example"), rows) if rows else "No faults."
