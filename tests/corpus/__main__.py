"""`make corpus`: python -m tests.corpus FOLDER [--out DIR] [--option format=webp]."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from tests.corpus.catalogues import judge_catalogues
from tests.corpus.files import CATALOGUES, files_of
from tests.corpus.pictures import judge_pictures
from tests.zoo import specimen

_OUT = Path(__file__).parents[2] / ".local" / "corpus"


def main(
    folder: Annotated[
        Path, typer.Argument(help="Pictures, or CSV files, in any sub-folders.", exists=True, file_okay=False)
    ],
    *,
    out: Annotated[Path, typer.Option(help="A folder for the report; what it contains is removed.")] = _OUT,
    files: Annotated[int, typer.Option(help="Most files, taken from the sub-folders in turn.", min=1)] = 1500,
    skip: Annotated[int, typer.Option(help="Files to leave out at the beginning.", min=0)] = 0,
    minutes: Annotated[float, typer.Option(help="For the stack, and again for the oracles.", min=0.1)] = 20,
    option: Annotated[list[str] | None, typer.Option(help="An option of the upload, such as format=webp.")] = None,
) -> None:
    """Run real files through a stack of its own, and judge each result by what a browser shows."""
    options = dict(each.split("=", 1) for each in option or [])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    folder, out = folder.resolve(), out.resolve()
    chosen = files_of(folder, files, skip)
    if chosen and all(file.path.suffix.lower() in CATALOGUES for file in chosen):
        print(judge_catalogues(chosen, specimen("jpeg").data, out, minutes * 60))
    else:
        print(judge_pictures(folder, chosen, out, options, minutes * 60))
    print(f"The report: {out / 'index.html'}")


if __name__ == "__main__":
    typer.run(main)
