"""A short run with a fixed seed. `make chaos` runs longer ones."""

import subprocess
import sys
from pathlib import Path

from tests.support.tree import ROOT

_SEED = 5
_LIMIT_SECONDS = 300


def test_everything_holds_in_a_short_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--seed", str(_SEED), "--short", "--home", str(tmp_path / "run")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
