"""The demo's output: a progress bar, then the output CSV, the savings and the promises."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.local.demo.checks import Checks
from deploy.local.demo.client import Status
from deploy.local.demo.compare import Comparison
from deploy.local.demo.request import Results


@contextmanager
def progress(console: Console) -> Iterator[Callable[[Status], None]]:
    """Show each status: as a bar on a terminal, else as one line per change."""
    if not console.is_terminal:
        yield _line_by_line(console)
        return
    columns = (TextColumn("Images"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None)

        def show(status: Status) -> None:
            done, total = _done_of(status)
            bar.update(task, completed=done, total=total or None)

        yield show


def _line_by_line(console: Console) -> Callable[[Status], None]:
    shown: tuple[int, int] | None = None

    def show(status: Status) -> None:
        nonlocal shown
        done, total = _done_of(status)
        if total and shown != (done, total):
            shown = done, total
            console.print(f"  {done} of {total} images")

    return show


def _done_of(status: Status) -> tuple[int, int]:
    counts = status["progress"]
    return counts["compressed"] + counts["failed"], counts["total"] or 0


def show_results(console: Console, results: Results) -> None:
    """Print the results."""
    console.rule("The output CSV", align="left")
    console.print(results.output_csv.strip(), markup=False, soft_wrap=True)
    console.rule("The images", align="left")
    console.print(_savings(results.photographs))
    console.rule("The webhook", align="left")
    console.print(json.dumps(results.webhook, indent=2), markup=False, soft_wrap=True)


def show_checks(console: Console, checks: Checks) -> None:
    """Print each promise and whether it was kept."""
    console.rule("The promises", align="left")
    for promise, held in checks.results:
        console.print("[green]held  [/]" if held else "[bold red]BROKEN[/]", escape(promise), soft_wrap=True)


def _savings(photographs: Sequence[Comparison]) -> Table:
    table = Table("Image", "Format", "Pixels", box=None, pad_edge=False)  # full names do not fit into 80 columns
    for column in ("Before", "After", "Saved", "SSIM"):
        table.add_column(column, justify="right")
    for photo in photographs:
        pixels = f"{photo.size[0]} x {photo.size[1]}"
        before, after = decimal(photo.bytes_before), decimal(photo.bytes_after)
        table.add_row(photo.name, photo.format, pixels, before, after, f"{photo.saved_percent:.0f} %", photo.ssim)
    return table
