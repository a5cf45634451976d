"""`make bench`: python -m benchmarks [--images 1000] [--percent 50]"""

import argparse
import os
from pathlib import Path

from benchmarks.pipeline import compare


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="The pipeline beside a bare Pillow loop.")
    parser.add_argument("--images", type=int, default=1000, help="how many photographs")
    parser.add_argument("--percent", type=int, default=50, help="the share of bytes to compress to")
    options = parser.parse_args()
    home = Path(__file__).parents[1] / ".local" / "bench"
    compare(home, options.images, options.percent, len(os.sched_getaffinity(0)))


if __name__ == "__main__":
    main()
