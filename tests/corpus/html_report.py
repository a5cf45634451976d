"""The report as one HTML page. It loads nothing from elsewhere but the small pictures beside it."""

import html
from collections.abc import Sequence
from itertools import groupby

from tests.corpus.judged import Judged

_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222 }
table { border-collapse: collapse; width: 100% }
td, th { border-top: 1px solid #ccc; padding: 6px; vertical-align: top; text-align: left; overflow-wrap: anywhere }
td:first-child { width: 34em } pre { background: #f4f4f4; padding: 1em; overflow-x: auto }
.fault { color: #b00 } .quiet { color: #777 } img { image-rendering: pixelated }
"""
_MOST_FINE = 200


def as_html(title: str, summary: str, judged: Sequence[Judged]) -> str:
    """`judged`: the most wrong first. Refused files are grouped by error code."""
    results = [each for each in judged if each.compressed]
    faulty = [each for each in results if each.verdict.faults]
    fine = [each for each in results if not each.verdict.faults]
    failed = sorted((each for each in judged if not each.compressed), key=_code)
    groups = [(code, list(group)) for code, group in groupby(failed, key=_code)]
    sections = [
        _section(f"Results that look wrong ({len(faulty)})", faulty),
        *(_section(_title(code, group), group) for code, group in groups),
        _section(f"Other results ({len(fine)}; the {_MOST_FINE} that differ most)", fine[:_MOST_FINE]),
    ]
    return as_page(title, summary, "".join(sections))


def as_page(title: str, summary: str, body: str) -> str:
    """title, summary: text. body: HTML."""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(title)}</h1><pre>{html.escape(summary)}</pre>{body}</html>\n"
    )


def _code(judged: Judged) -> str:
    return judged.line["Error Code"] or judged.line["State"]


def _title(code: str, group: Sequence[Judged]) -> str:
    return f"{code}: {len(group)} files, {sum(each.shown for each in group)} of them shown by the browser"


def _section(title: str, judged: Sequence[Judged]) -> str:
    if not judged:
        return ""
    rows = "".join(_row(each) for each in judged)
    head = "<tr><th>file<th>original<th>result</tr>"
    return f"<h2>{html.escape(title)}</h2><table>{head}{rows}</table>"


def _row(each: Judged) -> str:
    line = each.line
    faults = "".join(
        f"<br><span class=fault>{html.escape(f'{fault.value}: {text}')}</span>"
        for fault, text in each.verdict.faults.items()
    )
    if each.compressed:
        kilobytes = f"{int(line['Bytes In']) / 1000:.1f} kB to {int(line['Bytes Out']) / 1000:.1f} kB"
        sizes = f"{line['Width In']} x {line['Height In']} to {line['Width Out']} x {line['Height Out']}"
        facts = f"{line['Format']}, {line['Action']}, quality {line['Quality'] or '-'}, {sizes}, {kilobytes}"
        if each.worst:
            facts += f"; CIEDE2000 mean {each.worst.mean}, worst tile {each.worst.worst_tile}, shift {each.worst.shift}"
    else:
        facts = f"{_code(each)}: {line['Error Detail']}"
    pictures = "".join(_picture(path) for path in (each.original, each.result))
    return f"<tr><td>{html.escape(each.name)}<br><span class=quiet>{html.escape(facts)}</span>{faults}{pictures}</tr>"


def _picture(path: str) -> str:
    return f'<td><img loading=lazy alt="" src="{html.escape(path)}">' if path else "<td class=quiet>not shown"
