"""python -m benchmarks.peers [--images 320] [--rounds 3] [--sizes 30 240 1000]"""

import argparse
import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.image_host import ImageHost, serve_files
from benchmarks.peers.contenders import Turn, celery, imagemill, img2dataset, pillow_loop
from benchmarks.peers.corpus import make_corpus
from benchmarks.peers.tables import peers_table

_HOME = Path(__file__).parents[2] / ".local" / "bench-peers"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="Imagemill beside its peers.")
    parser.add_argument("--images", type=int, default=320, help="files of each size")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contender")
    parser.add_argument("--sizes", type=int, nargs="+", default=(30, 240, 1000), help="kilobytes of a file")
    options = parser.parse_args()
    processes = len(os.sched_getaffinity(0))
    for kilobytes in options.sizes:
        paths = make_corpus(_HOME / f"{kilobytes}-kB", options.images, 1000 * kilobytes)
        mean = sum(path.stat().st_size for path in paths) / len(paths) / 1000
        turns: dict[str, list[Turn]] = {}
        with serve_files(paths) as host:
            for _ in range(options.rounds):
                for name, turn in _round(host, paths, processes):
                    print(f"  {name}: {len(paths) / turn.wall:.1f} images/s", flush=True)
                    turns.setdefault(name, []).append(turn)
        print(f"\n{len(paths)} files of {mean:.0f} kB on average, {options.rounds} rounds, {processes} processes\n")
        print(f"{peers_table(turns, len(paths))}\n", flush=True)


def _round(host: ImageHost, paths: list[Path], processes: int) -> Iterator[tuple[str, Turn]]:
    """A turn of each contender."""
    urls = [host.url(number) for number in range(len(paths))]
    yield "bare Pillow loop", pillow_loop(paths, _HOME / "loop", processes)
    yield "img2dataset", img2dataset(host, urls, _HOME / "img2dataset", processes)
    yield "Celery", asyncio.run(celery(urls, _HOME / "celery", processes))
    yield from asyncio.run(imagemill(host, len(paths), _HOME / "stack")).items()


if __name__ == "__main__":
    main()
