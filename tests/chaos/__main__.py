"""`make chaos`: python -m tests.chaos --seed 7 --minutes 5."""

import asyncio
import random
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tests.chaos.report import report
from tests.chaos.run import Plan, run
from tests.chaos.workload import Limits

_SEEDS = 1_000_000


def main(
    *,
    seed: Annotated[int | None, typer.Option(help="Decides faults and requests; random if not given.")] = None,
    minutes: Annotated[float, typer.Option(help="Minutes of faults.")] = 5,
    images: Annotated[int, typer.Option(help="Most images of a typical request.")] = 200,
    short: Annotated[
        bool, typer.Option("--short", help="Half a minute, small requests, no fault of a minute.")
    ] = False,
    replica_set: Annotated[bool, typer.Option("--replica-set", help="Three mongod, with step-downs.")] = False,
    containers: Annotated[bool, typer.Option("--containers", help="RabbitMQ 4 in a container; needs Docker.")] = False,
    home: Annotated[Path | None, typer.Option(help="Folder for data and logs; kept only if a check fails.")] = None,
) -> None:
    """Run a seeded random mix of faults over two copies of each service, then check the results."""
    seed = random.randrange(_SEEDS) if seed is None else seed
    plan = Plan(seed, minutes, Limits(images), replica_set=replica_set, containers=containers)
    if short:
        plan = replace(plan, minutes=0.5, limits=Limits(images=40, at_once=2), slow=False)
    folder = (home or Path(tempfile.mkdtemp(prefix="imagemill-chaos-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Chaos run with seed {plan.seed} for {plan.minutes:g} minutes in {folder}", flush=True)
    figures, verdict = asyncio.run(run(plan, folder))
    text = report(figures, verdict)
    print(text, flush=True)
    if verdict.held:
        shutil.rmtree(folder)
        return
    (folder / "report.txt").write_text(text)
    print(f"Logs: {folder / 'logs'}")
    sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
