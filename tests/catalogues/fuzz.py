"""`make fuzz`: any upload soon ends with rows or with findings, never with an exception.

python -m tests.catalogues.fuzz [--files 100000] [--seed N] [--seconds 1800] [--failed DIRECTORY]
"""

import argparse
import math
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from services.gateway.catalogue import CatalogueRefused, Inspection
from tests.catalogues.mutants import mutant
from tests.catalogues.reading import inspected, rows_of, written

_DEADLINE = 10.0  # seconds per file; the largest takes a few milliseconds


def check(data: bytes) -> bool:
    """Whether the file is accepted. Raises if it is neither accepted nor refused correctly."""
    with _within(_DEADLINE):
        try:
            inspection = inspected(data)
        except CatalogueRefused as refused:
            if not any(finding.severity == "error" for finding in refused.findings):
                raise AssertionError("refused without an error") from refused
            return False
        _check_accepted(data, inspection)
        return True


def _check_accepted(data: bytes, inspection: Inspection) -> None:
    """The intake must read what the inspection counted, and the output must have the same rows."""
    rows = rows_of(data, inspection.catalogue_format)
    assert len(rows) == inspection.rows > 0, "the intake reads other rows"
    assert sum(len(row.urls) for row in rows) == inspection.slots, "the intake reads other URLs"
    assert len({url for row in rows for url in row.urls}) == inspection.images, "distinct URLs miscounted"
    assert not any(finding.severity == "error" for finding in inspection.findings), "accepted with an error"
    output = written(inspection.catalogue_format, rows)
    # An encoding that was guessed may be guessed differently from the output, which has more text.
    catalogue_format = inspection.catalogue_format
    again = inspected(output, catalogue_format.profile, encoding=catalogue_format.dialect.encoding)
    assert again.rows == inspection.rows, "the output has other rows"
    written(inspection.catalogue_format, rows, guard_formulas=True)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after this time. Works in the main thread only, as signals do."""

    def late(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fuzz(first_seed: int, files: int, seconds: float, failed: Path) -> int:
    """The number of files that failed; each is saved in `failed`. Stops early after `seconds`."""
    started_at, failures, accepted, done = time.monotonic(), 0, 0, 0
    for seed in range(first_seed, first_seed + files):
        if time.monotonic() - started_at > seconds:
            break
        data = mutant(seed)
        try:
            accepted += check(data)
        except Exception:
            failures += 1
            failed.mkdir(parents=True, exist_ok=True)
            path = failed / f"{seed}.csv"
            path.write_bytes(data)
            _print(f"seed {seed} failed; its file is {path}\n{traceback.format_exc(limit=-6)}")
        done += 1
    spent = time.monotonic() - started_at
    _print(
        f"{done:,} files from seed {first_seed}: {accepted:,} accepted,"
        f" {done - accepted - failures:,} refused, {failures} failed"
    )
    _print(f"{spent:.0f} s, {done / spent:.0f} files/s" + ("" if done == files else "; stopped by the time limit"))
    return failures


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.catalogues.fuzz")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None, help="of the first file; each next file has the next seed")
    parser.add_argument("--seconds", type=float, default=math.inf, help="stop after this time")
    parser.add_argument("--failed", type=Path, default=Path(".local/fuzz"), help="where failing files are written")
    options = parser.parse_args()
    seed = secrets.randbits(48) if options.seed is None else options.seed
    _print(f"seed {seed}; to repeat this run: --seed {seed}")
    sys.exit(1 if fuzz(seed, options.files, options.seconds, options.failed) else 0)


if __name__ == "__main__":
    main()
