"""`make bench-compress`: python -m benchmarks.compress [--quick] [--jpeg-only] [--write]"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from multiprocessing.pool import Pool
from pathlib import Path

from benchmarks.compress.contact_sheet import write_contact_sheet
from benchmarks.compress.corpus import CorpusFile, make_corpus
from benchmarks.compress.cost import cost_table, encodes_line, measure_cost
from benchmarks.compress.features import measure_features
from benchmarks.compress.fit import fit_table, measure_fit, misfits
from benchmarks.compress.memory import measure_memory
from benchmarks.compress.peers import install_imagemagick
from benchmarks.compress.photographs import photographs
from benchmarks.compress.quality import measure_quality, quality_table, worst

_ROOT = Path(__file__).parents[2]
_HOME = _ROOT / ".local" / "bench-compress"
_DOCS = _ROOT / "docs" / "compression"
_METHOD = "[benchmarks/README.md](../../benchmarks/README.md) explains the columns."


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compress", description="Compare the compressor with its peers."
    )
    parser.add_argument("--quick", action="store_true", help="every sixth file")
    parser.add_argument("--jpeg-only", action="store_true", help="no other formats")
    parser.add_argument("--skip", nargs="*", default=(), choices=("fit", "cost", "quality", "features", "memory"))
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each file")
    parser.add_argument(
        "--write", action="store_true", help=f"write the tables and the picture to {_DOCS.relative_to(_ROOT)}"
    )
    options = parser.parse_args()
    install_imagemagick()
    files = make_corpus(_HOME)
    files = [one for one in files if one.format == "jpeg" or not options.jpeg_only]
    files = files[::6] if options.quick else files
    out = _DOCS if options.write else _HOME
    started_at, parts = time.monotonic(), [_heading()]
    for part in _parts(files, options, out):
        print(f"{part}\n", flush=True)
        parts.append(part)
    out.mkdir(parents=True, exist_ok=True)
    (out / "table.md").write_text("\n\n".join(parts) + "\n")
    print(f"{time.monotonic() - started_at:.0f} s; the tables and the picture are in {out}")


def _heading() -> str:
    written = f"Written by `make bench-compress` on {len(os.sched_getaffinity(0))} cores, {datetime.now(UTC).date()}."
    return f"# The compressor compared with its peers\n\n{written}\n{_METHOD}"


def _parts(files: Sequence[CorpusFile], options: argparse.Namespace, out: Path) -> Iterator[str]:
    """The selected parts in Markdown, each as soon as it is measured."""
    jpegs = [one for one in files if one.format == "jpeg"]
    yield f"{len(files)} files, {len(jpegs)} of them JPEGs, {_mean_kilobytes(files):.0f} kB each on average."
    if "cost" not in options.skip:  # before the pool of processes starts
        costs = measure_cost(jpegs, options.repeats)
        yield f"## Cost\n\n{cost_table(costs)}\n\n{encodes_line(costs)}"
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        if "fit" not in options.skip:
            yield _fit(pool, files)
        if "quality" not in options.skip:
            yield _quality(pool, jpegs, out / "worst.jpg")
        if "features" not in options.skip:
            coloured = [one for one in jpegs if one.kind not in ("CMYK photograph", "grey photograph")]
            yield f"## Features\n\n{measure_features(pool, coloured[:: 1 if options.quick else 5])}"
    if "memory" not in options.skip:
        yield f"## Memory\n\n{measure_memory(_HOME, photographs()[0])}"


def _fit(pool: Pool, files: Sequence[CorpusFile]) -> str:
    fits = measure_fit(pool, files)
    outside = "\n".join(f"- {line}" for line in misfits(fits))
    return f"## Fit\n\n{fit_table(fits)}\n\nResults that exceed the limit or do not fill it:\n\n{outside or '- none'}"


def _quality(pool: Pool, jpegs: Sequence[CorpusFile], sheet: Path) -> str:
    """Without CMYK: our result is sRGB, the peers' stays CMYK."""
    comparisons = measure_quality(pool, [one for one in jpegs if one.kind != "CMYK photograph"])
    trailing = worst(comparisons, 10)
    write_contact_sheet(trailing, sheet)
    lines = "\n".join(f"- {one.file.path.name}: {one.lead:+.2f} compared with {one.peer}" for one in trailing)
    return f"## Quality at equal bytes\n\n{quality_table(comparisons)}\n\nThe ten worst by SSIMULACRA2:\n\n{lines}"


def _mean_kilobytes(files: Sequence[CorpusFile]) -> float:
    return sum(one.path.stat().st_size for one in files) / len(files) / 1000


if __name__ == "__main__":
    main()
