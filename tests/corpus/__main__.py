"""`make corpus`: python -m tests.corpus FOLDER [--out DIR] [--option format=webp]."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from tests.corpus.catalogues import judge_catalogues
from tests.corpus.files import CATALOGUES, files_of
from tests.corpus.pictures import judge_pictures

_ROOT = Path(__file__).parents[2]
_OUT = _ROOT / ".local" / "corpus"
_MARK = ".imagemill-corpus"
_SUMMARY = _ROOT / "docs" / "compression" / "real-files.md"


def main(
    folder: Annotated[
        Path, typer.Argument(help="Pictures, or CSV files, in any sub-folders.", exists=True, file_okay=False)
    ],
    *,
    out: Annotated[Path, typer.Option(help="A folder for the report; an earlier report is removed.")] = _OUT,
    files: Annotated[int, typer.Option(help="Most files, taken from the sub-folders in turn.", min=1)] = 1500,
    skip: Annotated[int, typer.Option(help="Files to leave out at the beginning.", min=0)] = 0,
    minutes: Annotated[float, typer.Option(help="For the stack, and again for the oracles.", min=0.1)] = 20,
    write: Annotated[bool, typer.Option("--write", help="Write the summary of pictures to the documentation.")] = False,
    option: Annotated[list[str] | None, typer.Option(help="An option of the upload, such as format=webp.")] = None,
) -> None:
    """Run real files through a stack of its own, and judge each result by what a browser shows."""
    options = dict(each.partition("=")[::2] for each in option or [])
    folder, out = folder.resolve(), out.resolve()
    _empty(out)
    chosen = files_of(folder, files, skip)
    if chosen and all(file.path.suffix.lower() in CATALOGUES for file in chosen):
        print(judge_catalogues(chosen, out, minutes * 60))
    else:
        text = judge_pictures(folder, chosen, out, options, minutes * 60)
        print(text)
        if write:
            _SUMMARY.write_text(
                f"# Real files\n\nWritten by `make corpus`; [Corpus](../corpus.md) explains it.\n\n{text}"
            )
    print(f"The report: {out / 'index.html'}")


def _empty(out: Path) -> None:
    """Remove an earlier report, and nothing else."""
    if out.exists() and any(out.iterdir()) and not (out / _MARK).exists():
        raise typer.BadParameter(f"{out} contains something else than a report")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / _MARK).touch()


if __name__ == "__main__":
    typer.run(main)
