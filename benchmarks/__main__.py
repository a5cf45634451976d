"""`make bench`: python -m benchmarks [--images 1000] [--percent 50]"""

import argparse
import os
from pathlib import Path

from benchmarks.pipeline import compare


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Compare the pipeline with a bare Pillow loop."
    )
    parser.add_argument("--images", type=int, default=1000, help="number of photographs")
    parser.add_argument("--percent", type=int, default=50, help="per cent of the bytes to compress to")
    options = parser.parse_args()
    home = Path(__file__).parents[1] / ".local" / "bench"
    compare(home, options.images, options.percent, len(os.sched_getaffinity(0)))


if __name__ == "__main__":
    main()
