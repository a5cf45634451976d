"""Rewrites the generated parts of the documentation; with --check it only lists what is stale and exits with 1."""

import argparse
import sys
from pathlib import Path

from dev.docs.registry import BLOCKS, FILES
from dev.docs.update import update

ROOT = Path(__file__).parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if anything is stale")
    check: bool = parser.parse_args().check
    result = update(ROOT, BLOCKS, FILES, write=not check)
    sys.stdout.writelines(f"{fault}\n" for fault in result.faults)
    if check:
        sys.stdout.writelines(f"{place}\n" for place in result.stale)
        if result.stale:
            sys.stdout.write("To update the documentation, run: make docs\n")
    return 1 if result.faults or (check and result.stale) else 0


if __name__ == "__main__":
    sys.exit(main())
