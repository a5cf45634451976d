"""python -m benchmarks.soak [--images 100000]"""

import argparse
import asyncio
from pathlib import Path

from benchmarks.soak.plot import plot
from benchmarks.soak.run import Sample, soak

ROOT = Path(__file__).parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Memory over very many images.")
    parser.add_argument("--images", type=int, default=100_000, help="number of images")
    parser.add_argument("--write", action="store_true", help="write table and plot to docs/reliability/")
    options = parser.parse_args()
    home = ROOT / ".local" / "soak"
    samples, seconds = asyncio.run(soak(home, options.images))
    folder = ROOT / "docs" / "reliability" if options.write else home
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "soak.csv").write_text(_csv(samples))
    (folder / "soak.svg").write_text(plot(samples))
    print(f"{options.images:,} images in {seconds:.0f} s, {options.images / seconds:.0f} a second")
    for name in sorted({sample.name for sample in samples}):
        sizes = [sample.megabytes for sample in samples if sample.name == name]
        tenth = max(1, len(sizes) // 10)
        early, late = sizes[tenth : 2 * tenth] or sizes, sizes[-tenth:]
        print(f"  {name:12} {sum(early) / len(early):6.0f} MB early, {sum(late) / len(late):6.0f} MB late")
    print(f"Table and plot: {folder}")


def _csv(samples: list[Sample]) -> str:
    rows = [f"{sample.seconds:.0f},{sample.name},{sample.images},{sample.megabytes:.1f}" for sample in samples]
    return "\n".join(["seconds,process,images,megabytes", *rows]) + "\n"


if __name__ == "__main__":
    main()
